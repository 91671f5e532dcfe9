@echo off
rem Starts the prompter of this folder: penutup.exe, penutup-fleet.exe, settings.toml and the seat's folder as "fleet".
if not exist "%~dp0settings.toml" type nul > "%~dp0settings.toml"
set "PENUTUP_SETTINGS=%~dp0settings.toml"
"%~dp0penutup.exe" %*
