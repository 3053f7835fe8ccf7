-- A cinema chain: singular names, keys that repeat the table's name, a second key to the same table with a word before it.
CREATE TABLE language (language_id int PRIMARY KEY, name text);
CREATE TABLE country (country_id int PRIMARY KEY, name text);
CREATE TABLE city (city_id int PRIMARY KEY, name text, country_id int REFERENCES country);
CREATE TABLE address (address_id int PRIMARY KEY, street text, city_id int REFERENCES city);
CREATE TABLE film (film_id int PRIMARY KEY, title text, language_id int REFERENCES language, original_language_id int REFERENCES language, sequel_of_film_id int REFERENCES film);
CREATE TABLE genre (genre_id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE film_genre (film_id int REFERENCES film, genre_id int REFERENCES genre, PRIMARY KEY (film_id, genre_id));
CREATE TABLE hall (hall_id int PRIMARY KEY, seats int);
CREATE TABLE staff (staff_id int PRIMARY KEY, address_id int REFERENCES address, email text UNIQUE);
CREATE TABLE customer (customer_id int PRIMARY KEY, home_address_id int REFERENCES address, email text UNIQUE);
CREATE TABLE screening (screening_id int PRIMARY KEY, film_id int REFERENCES film, hall_id int REFERENCES hall, starts timestamptz);
CREATE TABLE ticket (ticket_id int PRIMARY KEY, screening_id int REFERENCES screening, customer_id int REFERENCES customer, sold_by_staff_id int REFERENCES staff, seat int);
CREATE TABLE payment (payment_id int PRIMARY KEY, ticket_id int REFERENCES ticket, staff_id int REFERENCES staff, amount numeric, valid boolean, paid boolean);
