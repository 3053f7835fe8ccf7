-- A clinical model: one table of concepts behind many columns, events with long names, irregular plurals.
CREATE TABLE concept (concept_id int PRIMARY KEY, concept_name text, concept_code text, vocabulary_id text);
CREATE TABLE vocabulary (vocabulary_id text PRIMARY KEY, vocabulary_concept_id int REFERENCES concept);
ALTER TABLE concept ADD FOREIGN KEY (vocabulary_id) REFERENCES vocabulary;
CREATE TABLE care_site (care_site_id int PRIMARY KEY, place_of_service_concept_id int REFERENCES concept, location_id int);
CREATE TABLE location (location_id int PRIMARY KEY, zip text);
ALTER TABLE care_site ADD FOREIGN KEY (location_id) REFERENCES location;
CREATE TABLE provider (provider_id int PRIMARY KEY, specialty_concept_id int REFERENCES concept, care_site_id int REFERENCES care_site);
CREATE TABLE person (person_id int PRIMARY KEY, gender_concept_id int REFERENCES concept, year_of_birth int, provider_id int REFERENCES provider, location_id int REFERENCES location);
CREATE TABLE visit_occurrence (visit_occurrence_id bigint PRIMARY KEY, person_id int REFERENCES person, visit_concept_id int REFERENCES concept, care_site_id int REFERENCES care_site, preceding_visit_occurrence_id bigint REFERENCES visit_occurrence);
CREATE TABLE drug_exposure (drug_exposure_id bigint PRIMARY KEY, person_id int REFERENCES person, drug_concept_id int REFERENCES concept, visit_occurrence_id bigint REFERENCES visit_occurrence, quantity numeric);
CREATE TABLE measurement (measurement_id bigint PRIMARY KEY, person_id int REFERENCES person, measurement_concept_id int REFERENCES concept, unit_concept_id int REFERENCES concept, value_as_number numeric);
CREATE TABLE diagnoses (id int PRIMARY KEY, person_id int REFERENCES person, text text);
CREATE TABLE matrices (id int PRIMARY KEY, diagnosis_id int REFERENCES diagnoses);
CREATE TABLE children (id int PRIMARY KEY, person_id int REFERENCES person);
CREATE TABLE vaccinations (id int PRIMARY KEY, child_id int REFERENCES children, matrix_id int REFERENCES matrices, given date);
