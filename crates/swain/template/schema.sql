-- The tables of app.db, to begin with. They are yours: change them with any tool.
-- Every table needs a PRIMARY KEY. A text key is made on the device, also offline.

CREATE TABLE lists (
  id         TEXT PRIMARY KEY NOT NULL,
  title      TEXT NOT NULL CHECK (title <> ''),
  created_by TEXT
);

CREATE TABLE items (
  id         TEXT PRIMARY KEY NOT NULL,
  list_id    TEXT NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
  title      TEXT NOT NULL CHECK (title <> ''),
  done       BOOLEAN NOT NULL DEFAULT 0,
  created_by TEXT
);

CREATE INDEX items_list_id ON items (list_id);
