-- What every suite copies into its container before the start, and counts afterwards.
create table seeded (id int primary key, name text);
insert into seeded values (1, 'ada'), (2, 'bob');
