@echo off
rem Starts the prompter of this folder: penutup.exe, penutup-fleet.exe, settings.toml and the seat's folder as "fleet".
set "PENUTUP_SETTINGS=%~dp0settings.toml"
"%~dp0penutup.exe" %*
