-- Tables beside one: the same key, columns too many for one table, rows that replace rows, parts of a community of communities.
CREATE TABLE people (id bigserial PRIMARY KEY, name text);
CREATE TABLE people_details (id bigint PRIMARY KEY REFERENCES people, biography text);
CREATE TABLE people_settings (id bigint PRIMARY KEY REFERENCES people, theme text);
CREATE TABLE community (id serial PRIMARY KEY, name text, creator_id bigint REFERENCES people);
CREATE TABLE community_stats (id int PRIMARY KEY REFERENCES community, members int, posts int);
CREATE TABLE multi_community (id serial PRIMARY KEY, name text, owner_id bigint REFERENCES people);
CREATE TABLE multi_community_entry (multi_community_id int REFERENCES multi_community, community_id int REFERENCES community, PRIMARY KEY (multi_community_id, community_id));
CREATE TABLE post (id serial PRIMARY KEY, community_id int REFERENCES community, author_id bigint REFERENCES people, featured boolean);
CREATE TABLE post_raw (id int PRIMARY KEY REFERENCES post, source text);
CREATE TABLE comment (id serial PRIMARY KEY, post_id int REFERENCES post, parent_id int REFERENCES comment, creator_id bigint REFERENCES people, likes int);
CREATE TABLE comment_revision (id serial PRIMARY KEY, comment_id int REFERENCES comment, replaced_by int REFERENCES comment_revision, edited_by bigint REFERENCES people, body text);
CREATE TABLE ban (id serial PRIMARY KEY, person_id bigint REFERENCES people, admin_id bigint REFERENCES people, reason text);
CREATE TABLE auction (id serial PRIMARY KEY, seller_id bigint REFERENCES people, winner_id bigint REFERENCES people, post_id int REFERENCES post);
