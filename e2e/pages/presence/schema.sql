CREATE TABLE members (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL, person TEXT NOT NULL);
CREATE TABLE tasks (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL, title TEXT NOT NULL);
CREATE INDEX members_person ON members (person);
CREATE INDEX tasks_project ON tasks (project);
