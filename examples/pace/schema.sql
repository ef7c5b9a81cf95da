-- An evening of pickup games: who came, what was played.
-- Ids are UUIDv7, made by the phones, so they sort in order of creation.
-- The names of the constraints are sentences: a phone shows them when the database says no.

CREATE TABLE sessions (
  id         TEXT PRIMARY KEY NOT NULL,
  place      TEXT NOT NULL,
  played_on  DATE NOT NULL,
  created_by TEXT NOT NULL,
  CONSTRAINT "a place has 1 to 60 characters" CHECK (length(trim(place)) BETWEEN 1 AND 60),
  CONSTRAINT "a date looks like 2026-05-29" CHECK (played_on GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]')
);

CREATE TABLE players (
  id         TEXT PRIMARY KEY NOT NULL,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  playing    BOOLEAN NOT NULL DEFAULT TRUE,
  created_by TEXT NOT NULL,
  CONSTRAINT "a name has 1 to 40 characters" CHECK (length(trim(name)) >= 1 AND length(name) <= 40),
  CONSTRAINT "playing is true or false" CHECK (playing IN (FALSE, TRUE))
);
CREATE INDEX players_of_session ON players (session_id);

-- A team is a JSON array of player ids.
CREATE TABLE games (
  id         TEXT PRIMARY KEY NOT NULL,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  team_a     JSON NOT NULL,
  team_b     JSON NOT NULL,
  score_a    INTEGER NOT NULL DEFAULT 0,
  score_b    INTEGER NOT NULL DEFAULT 0,
  running    BOOLEAN NOT NULL DEFAULT TRUE,
  created_by TEXT NOT NULL,
  CONSTRAINT "a team has 2 or more players" CHECK (json_array_length(team_a) >= 2 AND json_array_length(team_b) >= 2),
  CONSTRAINT "a score is between 0 and 99" CHECK (score_a BETWEEN 0 AND 99 AND score_b BETWEEN 0 AND 99),
  CONSTRAINT "running is true or false" CHECK (running IN (FALSE, TRUE))
);
CREATE INDEX games_of_session ON games (session_id);
