-- The same tables for PostgreSQL. Rules, page and everything else stay as they are.

CREATE TABLE sessions (
  id         text PRIMARY KEY,
  place      text NOT NULL,
  played_on  date NOT NULL,
  created_by text NOT NULL,
  CONSTRAINT "a place has 1 to 60 characters" CHECK (length(trim(place)) BETWEEN 1 AND 60)
);

CREATE TABLE players (
  id         text PRIMARY KEY,
  session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  name       text NOT NULL,
  playing    boolean NOT NULL DEFAULT TRUE,
  created_by text NOT NULL,
  CONSTRAINT "a name has 1 to 40 characters" CHECK (length(trim(name)) >= 1 AND length(name) <= 40)
);
CREATE INDEX players_of_session ON players (session_id);

-- A team is a JSON array of player ids.
CREATE TABLE games (
  id         text PRIMARY KEY,
  session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  team_a     jsonb NOT NULL,
  team_b     jsonb NOT NULL,
  score_a    int NOT NULL DEFAULT 0,
  score_b    int NOT NULL DEFAULT 0,
  running    boolean NOT NULL DEFAULT TRUE,
  created_by text NOT NULL,
  CONSTRAINT "a team has 2 or more players" CHECK (jsonb_array_length(team_a) >= 2 AND jsonb_array_length(team_b) >= 2),
  CONSTRAINT "a score is between 0 and 99" CHECK (score_a BETWEEN 0 AND 99 AND score_b BETWEEN 0 AND 99)
);
CREATE INDEX games_of_session ON games (session_id);
