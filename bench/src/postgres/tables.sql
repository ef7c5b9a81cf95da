-- The rows of the other benchmarks, ten thousand of them.
create table items (
    id int primary key, court int not null, title text not null, state text not null, score int not null,
    note text not null
);
insert into items
select i, i % 100, 'Tuesday evening, court four, doubles', 'open', 15,
    'Bring the new balls; whoever comes first takes the key from the box at the gate.'
from generate_series(1, 10000) i;
