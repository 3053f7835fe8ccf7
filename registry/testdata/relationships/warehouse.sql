-- An old warehouse system: short names that are the same wherever they point, keys of several columns, run-together names, numbers at their ends.
CREATE TABLE matmas (matnr varchar(18) PRIMARY KEY, mtart varchar(4), meins varchar(3));
CREATE TABLE kunmas (kunnr varchar(10) PRIMARY KEY, name1 text, land1 varchar(3));
CREATE TABLE werks (werks varchar(4) PRIMARY KEY, bukrs varchar(4));
CREATE TABLE bukrs (bukrs varchar(4) PRIMARY KEY, butxt text);
ALTER TABLE werks ADD FOREIGN KEY (bukrs) REFERENCES bukrs;
CREATE TABLE vbak (vbeln varchar(10) PRIMARY KEY, kunnr varchar(10) REFERENCES kunmas, erdat date);
CREATE TABLE vbap (vbeln varchar(10) REFERENCES vbak, posnr int, matnr varchar(18) REFERENCES matmas, werks varchar(4) REFERENCES werks, menge numeric, PRIMARY KEY (vbeln, posnr));
CREATE TABLE storageplace (storageplaceid int PRIMARY KEY, aisle text);
CREATE TABLE palletkind (palletkindid int PRIMARY KEY, width int);
CREATE TABLE pallet (palletid int PRIMARY KEY, palletkindid int REFERENCES palletkind, storageplaceid int REFERENCES storageplace, laststorageplaceid int REFERENCES storageplace);
CREATE TABLE pallet_move (id int PRIMARY KEY, pallet_id int REFERENCES pallet, from_storageplace int REFERENCES storageplace, to_storageplace int REFERENCES storageplace, moved timestamptz);
CREATE TABLE contact (contact_id int PRIMARY KEY, phone text);
CREATE TABLE carrier (carrier_id int PRIMARY KEY, contact1_id int REFERENCES contact, contact2_id int REFERENCES contact, contact_id_3 int REFERENCES contact);
