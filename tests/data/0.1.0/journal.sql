-- A journal of penutup 0.1.0: three calls, one of which still ran when its prompter was killed.
CREATE TABLE word (
    id    INTEGER PRIMARY KEY,
    text  TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO word (id, text) VALUES (0, '');
CREATE TABLE call (
    n          INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,     -- UUIDv7
    version    INTEGER NOT NULL,         -- rises with every writing: of two copies the higher is the newer
    start_ms   INTEGER NOT NULL,         -- milliseconds since 1970, UTC
    end_ms     INTEGER,                  -- NULL while it runs
    changed_ms INTEGER NOT NULL,         -- when it was last written: the end, if the prompter is killed
    process    BLOB,                     -- whose it is while it runs: seat-<uuid>.lock
    ending     INTEGER,                  -- how it ended
    complete   INTEGER NOT NULL,         -- 1: nothing left out
    facts      INTEGER NOT NULL,         -- → word: 'klb=ya topik=lain', in the rules' order
    rule       INTEGER NOT NULL,         -- → word: id
    rules      INTEGER NOT NULL,         -- → word: '<sha256> <revision>'
    seat       INTEGER NOT NULL,         -- → word: from the settings, 0 where none
    left_out   INTEGER NOT NULL,         -- → word: 'download terima-kasih', 0 where nothing is
    cost       INTEGER NOT NULL,         -- → word: '["Akurasi","FCR"]', 0 where it costs nothing
    zone       INTEGER NOT NULL,         -- → word: id
    greeting   INTEGER NOT NULL          -- → word, 0 until one is spoken
) STRICT;
CREATE INDEX call_start ON call (start_ms);
CREATE INDEX call_open ON call (process) WHERE process IS NOT NULL;
CREATE TABLE detail (
    call  INTEGER PRIMARY KEY,           -- → call.n
    json  TEXT NOT NULL                  -- record::Record, but version and end, which are those of `call`
) STRICT;
PRAGMA application_id = 1886286960;
PRAGMA user_version = 1;
INSERT INTO word VALUES
    (1, 'klb=ya topik=lain'), (2, 'klb-lain'), (3, 'b1946ac92492d2347c6235b4d2611184 Rev-1'), (4, 'meja 7'),
    (5, 'download terima-kasih'), (6, '["Akurasi","FCR"]'), (7, 'WIB'), (8, 'siang');
INSERT INTO call VALUES
    (1, x'019AB123000070008000000000000001', 4, 1795507200000, 1795507260000, 1795507260000, NULL, 1, 1, 1, 2, 3, 4, 0, 0, 7, 8),
    (2, x'019AB123000070008000000000000002', 2, 1795507300000, 1795507310000, 1795507310000, NULL, 6, 0, 1, 2, 3, 4, 5, 6, 7, 0),
    (3, x'019AB123000070008000000000000003', 2, 1795507400000, NULL, 1795507417000, x'019AB123000070008000000000000009', NULL, 0, 1, 2, 3, 0, 5, 0, 7, 0);
INSERT INTO detail VALUES
    (1, '{"facts":[["klb","ya",1795507201000],["topik","lain",null]],"steps":[["download",true,1795507230000,1,false,["FCR"]],["terima-kasih",true,1795507240000,0,false,[]]],"overtaken":[["campaign",1795507250000,[["klb","ya"]]]],"differs":["klb"]}'),
    (2, '{"facts":[["klb","ya",1795507301000],["topik","lain",null]],"steps":[["download",true,null,0,true,["FCR"]],["terima-kasih",false,null,0,true,[]]]}'),
    (3, '{"facts":[["klb","ya",1795507401000],["topik","lain",null]],"steps":[["download",true,null,0,true,["FCR"]],["terima-kasih",false,null,0,true,[]]]}');
