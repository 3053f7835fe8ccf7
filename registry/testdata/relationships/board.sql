-- A picture board: roles of people, prefixes of tables left out of columns, several keys to one table, pairs of type and id.
CREATE TABLE users (id bigint PRIMARY KEY, name text, inviter_id bigint REFERENCES users);
CREATE TABLE user_blocks (id bigint PRIMARY KEY, user_id bigint REFERENCES users, creator_id bigint REFERENCES users, revoker_id bigint REFERENCES users);
CREATE TABLE pictures (id bigint PRIMARY KEY, uploader_id bigint REFERENCES users, approver_id bigint REFERENCES users, parent_id bigint REFERENCES pictures, score int, comments int, md5 text UNIQUE);
CREATE TABLE picture_votes (id bigint PRIMARY KEY, picture_id bigint REFERENCES pictures, voter_id bigint REFERENCES users, score int);
CREATE TABLE picture_notes (id bigint PRIMARY KEY, picture_id bigint REFERENCES pictures, author_id bigint REFERENCES users, body text);
CREATE TABLE picture_note_versions (id bigint PRIMARY KEY, note_id bigint REFERENCES picture_notes, updated_by bigint REFERENCES users, version int);
CREATE TABLE forum_topics (id bigint PRIMARY KEY, creator_id bigint REFERENCES users, title text, locked_by_id bigint REFERENCES users);
CREATE TABLE forum_posts (id bigint PRIMARY KEY, topic_id bigint REFERENCES forum_topics, creator_id bigint REFERENCES users, body text);
CREATE TABLE forum_post_votes (id bigint PRIMARY KEY, forum_post_id bigint REFERENCES forum_posts, creator_id bigint REFERENCES users, score int);
CREATE TABLE tags (id bigint PRIMARY KEY, name text UNIQUE, category int);
CREATE TABLE picture_tags (picture_id bigint REFERENCES pictures, tag_id bigint REFERENCES tags, PRIMARY KEY (picture_id, tag_id));
CREATE TABLE tag_aliases (id bigint PRIMARY KEY, antecedent_name text, consequent_name text, tag_id bigint REFERENCES tags, approver_id bigint REFERENCES users);
CREATE TABLE pools (id bigint PRIMARY KEY, name text, owner_id bigint REFERENCES users);
CREATE TABLE pool_pictures (pool_id bigint REFERENCES pools, picture_id bigint REFERENCES pictures, position int);
CREATE TABLE comments (id bigint PRIMARY KEY, commentable_id bigint, commentable_type text, author_id bigint REFERENCES users, body text);
CREATE TABLE messages (id bigint PRIMARY KEY, sender_id bigint REFERENCES users, recipient_id bigint REFERENCES users, title text);
CREATE TABLE reports (id bigint PRIMARY KEY, reportable_id bigint, reportable_type varchar, reporter_id bigint REFERENCES users, resolved_by bigint REFERENCES users);
