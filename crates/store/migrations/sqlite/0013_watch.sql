-- How far files and the journal that are followed were read (footfall watch). What stands before a
-- position is on the disk, so that after whatever end the rest is read, and nothing is lost.
CREATE TABLE followed (
    tenant      INTEGER NOT NULL,
    -- The path under which it was found first, or the journal's name.
    source      TEXT NOT NULL,
    -- The file, whatever it is called now; 0 where the system has no such numbers.
    device      INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    -- Of a file that is read anew when it changed: when it was written, in nanoseconds since 1970.
    modified    INTEGER NOT NULL,
    -- SHA-256 of its first bytes, so many, and of as many before the position at most: another file
    -- can get the numbers of one that is gone.
    head_length INTEGER NOT NULL,
    head        BLOB NOT NULL,
    tail        BLOB NOT NULL,
    -- Of the journal.
    cursor      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (tenant, source, device, inode)
) STRICT, WITHOUT ROWID;
