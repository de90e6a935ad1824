/**
 * The schema, one step per entry; `user_version` counts those applied. Entries are never edited once
 * released. All times are epoch milliseconds; `sealed` columns are what seal.ts makes.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE store (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id TEXT NOT NULL,
    machine TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    restored INTEGER NOT NULL,
    numbers_above INTEGER NOT NULL,
    fingerprint_key BLOB NOT NULL
  ) STRICT;

  -- Numbers are never used twice, also after everything of a material is gone.
  CREATE TABLE counters (
    material TEXT PRIMARY KEY,
    last INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE versions (
    material TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('prepared', 'active', 'retiring', 'withdrawn', 'destroyed')),
    compromised INTEGER NOT NULL,
    origin TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    not_before INTEGER,
    not_after INTEGER,
    active_since INTEGER,
    overlap_until INTEGER,
    keep_until INTEGER,
    PRIMARY KEY (material, number)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX one_active_version ON versions (material) WHERE state = 'active';

  -- Apart from versions, so that a change of state never rewrites the sealed bytes.
  CREATE TABLE secrets (
    material TEXT NOT NULL,
    number INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (material, number),
    FOREIGN KEY (material, number) REFERENCES versions
  ) STRICT;

  CREATE TABLE requests (
    material TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
  ) STRICT;

  CREATE TABLE rotations (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    trigger TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT,
    direction TEXT NOT NULL CHECK (direction IN ('forward', 'back')),
    tries INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    result TEXT,
    detail TEXT
  ) STRICT;
  CREATE INDEX unfinished_rotations ON rotations (seq) WHERE ended IS NULL;

  CREATE TABLE members (
    rotation INTEGER NOT NULL REFERENCES rotations,
    position INTEGER NOT NULL,
    material TEXT NOT NULL,
    from_number INTEGER,
    to_number INTEGER,
    observed TEXT,
    PRIMARY KEY (rotation, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX members_by_material ON members (material, rotation);

  CREATE TABLE steps (
    rotation INTEGER NOT NULL REFERENCES rotations,
    step INTEGER NOT NULL,
    name TEXT NOT NULL,
    subject TEXT,
    direction TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    outcome TEXT,
    detail TEXT,
    PRIMARY KEY (rotation, step)
  ) STRICT, WITHOUT ROWID;

  -- What targets held before: only while the rotation is open.
  CREATE TABLE held (
    rotation INTEGER NOT NULL REFERENCES rotations,
    material TEXT NOT NULL,
    target INTEGER NOT NULL,
    place TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (rotation, material, target)
  ) STRICT;

  CREATE TABLE schedules (
    material TEXT PRIMARY KEY,
    state TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE accepted_clock (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    wall REAL NOT NULL,
    since_boot REAL NOT NULL,
    boot_id TEXT NOT NULL,
    doubt REAL NOT NULL
  ) STRICT;

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    why TEXT,
    action TEXT NOT NULL,
    material TEXT,
    version INTEGER,
    fingerprint TEXT,
    detail TEXT,
    hash TEXT NOT NULL
  ) STRICT;

  -- Always empty: written and deleted to make room (reserve.ts).
  CREATE TABLE reserve (room BLOB NOT NULL) STRICT;
  `,
  `
  -- Under which key the audit rows up to one were chained, from before the data key was changed.
  CREATE TABLE former_chain_keys (
    until INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
  ) STRICT;
  `,
  `
  -- What to do with a leaked version when the next one does not work: as a person chose it.
  ALTER TABLE versions ADD COLUMN on_failure TEXT CHECK (on_failure IN ('stay-down', 'old'));

  -- Whose verifier said no. Why it turned back is in detail, from the turn on.
  ALTER TABLE rotations ADD COLUMN blamed TEXT;
  `,
  `
  -- Who was told of what, so that nobody is told twice.
  CREATE TABLE told_notices (
    cause TEXT NOT NULL,
    channel TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (cause, channel)
  ) STRICT, WITHOUT ROWID;
  `,
]
