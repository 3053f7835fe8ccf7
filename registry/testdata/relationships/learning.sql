-- Courses in the way of Django: the names of applications before those of tables, lists of many to many, a pair of content type and object.
CREATE TABLE auth_user (id serial PRIMARY KEY, username text UNIQUE, email text);
CREATE TABLE auth_group (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE auth_user_groups (id bigserial PRIMARY KEY, user_id int REFERENCES auth_user, group_id int REFERENCES auth_group, UNIQUE (user_id, group_id));
CREATE TABLE django_content_type (id serial PRIMARY KEY, app_label text, model text, UNIQUE (app_label, model));
CREATE TABLE auth_permission (id serial PRIMARY KEY, content_type_id int REFERENCES django_content_type, codename text);
CREATE TABLE auth_group_permissions (id bigserial PRIMARY KEY, group_id int REFERENCES auth_group, permission_id int REFERENCES auth_permission);
CREATE TABLE django_admin_log (id serial PRIMARY KEY, object_id text, content_type_id int REFERENCES django_content_type, user_id int REFERENCES auth_user);
CREATE TABLE courses_course (id bigserial PRIMARY KEY, title text, owner_id int REFERENCES auth_user);
CREATE TABLE courses_module (id bigserial PRIMARY KEY, course_id bigint REFERENCES courses_course, position int);
CREATE TABLE courses_lesson (id bigserial PRIMARY KEY, module_id bigint REFERENCES courses_module, body text);
CREATE TABLE courses_enrolment (id bigserial PRIMARY KEY, course_id bigint REFERENCES courses_course, user_id int REFERENCES auth_user);
CREATE TABLE courses_course_tags (id bigserial PRIMARY KEY, course_id bigint REFERENCES courses_course, tag_id bigint);
CREATE TABLE courses_tag (id bigserial PRIMARY KEY, name text UNIQUE);
ALTER TABLE courses_course_tags ADD FOREIGN KEY (tag_id) REFERENCES courses_tag;
CREATE TABLE quizzes_quiz (id bigserial PRIMARY KEY, lesson_id bigint REFERENCES courses_lesson);
CREATE TABLE quizzes_question (id bigserial PRIMARY KEY, quiz_id bigint REFERENCES quizzes_quiz, text text);
CREATE TABLE quizzes_answer (id bigserial PRIMARY KEY, question_id bigint REFERENCES quizzes_question, is_right boolean);
