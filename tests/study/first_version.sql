-- A database made by the first version of the store: one study, one rater done, one halfway, one at the start.
BEGIN TRANSACTION;
CREATE TABLE methods (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (study_id, name), 
	UNIQUE (study_id, id), 
	FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "methods" VALUES(1,1,'glassnet');
INSERT INTO "methods" VALUES(2,1,'unprocessed');
CREATE TABLE raters (
	id VARCHAR(22) NOT NULL, 
	study_id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	began_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (study_id, ordinal), 
	UNIQUE (study_id, id), 
	FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "raters" VALUES('AAAAAAAAAAAAAAAAAAAAAA',1,0,'2026-11-20 09:00:14.123456');
INSERT INTO "raters" VALUES('BBBBBBBBBBBBBBBBBBBBBB',1,1,'2026-11-20 09:01:17.123456');
INSERT INTO "raters" VALUES('CCCCCCCCCCCCCCCCCCCCCC',1,2,'2026-11-20 09:01:59.123456');
CREATE TABLE scale_points (
	study_id INTEGER NOT NULL, 
	value INTEGER NOT NULL, 
	label VARCHAR NOT NULL, 
	PRIMARY KEY (study_id, value), 
	FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "scale_points" VALUES(1,0,'mostly different from the ground truth');
INSERT INTO "scale_points" VALUES(1,1,'very different');
INSERT INTO "scale_points" VALUES(1,2,'somewhat different');
INSERT INTO "scale_points" VALUES(1,3,'somewhat similar');
INSERT INTO "scale_points" VALUES(1,4,'mostly similar');
INSERT INTO "scale_points" VALUES(1,5,'almost identical');
CREATE TABLE scenes (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	ground_truth_sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (study_id, name), 
	UNIQUE (study_id, id), 
	CONSTRAINT scenes_size CHECK (width > 0 AND height > 0), 
	FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "scenes" VALUES(1,1,'bench',48,32,'f7fb960c488953323e34e7475be972684481c4d4693963dd31075ee310176738');
INSERT INTO "scenes" VALUES(2,1,'harbour',48,32,'f4bb8484f61e4159ee98f4a62b2a225fd95e7c0574c653e97a6ee9856bf6bfca');
CREATE TABLE stimuli (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	scene_id INTEGER NOT NULL, 
	method_id INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (scene_id, method_id), 
	UNIQUE (study_id, id), 
	FOREIGN KEY(study_id, scene_id) REFERENCES scenes (study_id, id), 
	FOREIGN KEY(study_id, method_id) REFERENCES methods (study_id, id)
);
INSERT INTO "stimuli" VALUES(1,1,1,1,'b5e9b19216f523fd4b163db657cb4765e59c44c2fcba71443ea38c8fb7dba887');
INSERT INTO "stimuli" VALUES(2,1,1,2,'d675c17304b3d2fb753cc0ce3bd389555cf3376bc2b57c120bb6f0d9ea30bb84');
INSERT INTO "stimuli" VALUES(3,1,2,1,'3b8e522042a015249c474bc4f690486d97c188837e573e69e9aec8a701dd6724');
INSERT INTO "stimuli" VALUES(4,1,2,2,'f0f80266d64679bf534f1b3035bc3198f4cbb3d943d92720f0c8ccd169dba0cb');
CREATE TABLE studies (
	id INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	title VARCHAR NOT NULL, 
	question VARCHAR NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	seed INTEGER NOT NULL, 
	status VARCHAR(6) NOT NULL, 
	created_at DATETIME NOT NULL, 
	opened_at DATETIME, 
	closed_at DATETIME, 
	PRIMARY KEY (id), 
	CONSTRAINT studies_status CHECK (status IN ('draft', 'open', 'closed')), 
	UNIQUE (name)
);
INSERT INTO "studies" VALUES(1,'bokeh','An old study','How similar is this picture to the ground truth?','731094b46a46a0af12a042a5149398eb44e3ec4759c631a2e064b33738a2fe4c',1,'open','2026-11-20 09:00:00.123456','2026-11-20 09:00:07.123456',NULL);
CREATE TABLE trials (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	rater_id VARCHAR(22) NOT NULL, 
	stimulus_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	token VARCHAR(22) NOT NULL, 
	ground_truth_token VARCHAR(22) NOT NULL, 
	stimulus_token VARCHAR(22) NOT NULL, 
	presented_at DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (rater_id, stimulus_id), 
	UNIQUE (rater_id, position), 
	UNIQUE (study_id, id), 
	FOREIGN KEY(study_id, rater_id) REFERENCES raters (study_id, id), 
	FOREIGN KEY(study_id, stimulus_id) REFERENCES stimuli (study_id, id), 
	UNIQUE (token), 
	UNIQUE (ground_truth_token), 
	UNIQUE (stimulus_token)
);
INSERT INTO "trials" VALUES(1,1,'AAAAAAAAAAAAAAAAAAAAAA',4,0,'j4pObhyJkqGHn7YQI4hfFw','Qa1S451TdtD5uQAkEXmRoQ','36ekeY4e703AC_YmKKGGtw','2026-11-20 09:00:21.123456');
INSERT INTO "trials" VALUES(2,1,'AAAAAAAAAAAAAAAAAAAAAA',1,1,'_4iVsWGs3emezYwPKXG-GA','BTzThR-VanHkDqkbk8mtDw','iDOXjIGUzs_boYE98gkGOg','2026-11-20 09:00:35.123456');
INSERT INTO "trials" VALUES(3,1,'AAAAAAAAAAAAAAAAAAAAAA',3,2,'4IpSTzIEleaB0xAYB6Em6Q','4fcDtHh9OItQwzwCttvePg','q-0rQ6QxXWpOYRsiHJMuVQ','2026-11-20 09:00:49.123456');
INSERT INTO "trials" VALUES(4,1,'AAAAAAAAAAAAAAAAAAAAAA',2,3,'2wNz_kpY-G4Al8JTzEr6TA','6B_LbB580sx5wmMJE8qiMQ','VZpFN2XQaxTRYJTp68Ks0w','2026-11-20 09:01:03.123456');
INSERT INTO "trials" VALUES(5,1,'BBBBBBBBBBBBBBBBBBBBBB',3,0,'hLF_QgdRRSwjeUKFUsamog','fyefqrIVnhY-eQf5lwjppQ','PbdDBuXdSHeap2OgIbkfpg','2026-11-20 09:01:24.123456');
INSERT INTO "trials" VALUES(6,1,'BBBBBBBBBBBBBBBBBBBBBB',2,1,'XPhtVFiA8-gvyi4qhuoxYA','OxTG8C0ExsZx8vptdqMKYw','6S541C1VhHSCwdYShI90Uw','2026-11-20 09:01:38.123456');
INSERT INTO "trials" VALUES(7,1,'BBBBBBBBBBBBBBBBBBBBBB',4,2,'iJWIy6sgx_ZuvFUrVQ0Esw','HVT1i-fnnNqf83vKittyLA','jQiuI2G4Kam4V3ezDbIJ4A','2026-11-20 09:01:52.123456');
INSERT INTO "trials" VALUES(8,1,'BBBBBBBBBBBBBBBBBBBBBB',1,3,'8LdQ-9PY7CJLaEkoWLyJHw','x-gc1aNe5fo31CsWESS-DQ','sd_F-ZOkwEu-kLGKBr9SMQ',NULL);
INSERT INTO "trials" VALUES(9,1,'CCCCCCCCCCCCCCCCCCCCCC',4,0,'4M7qRHUx_nX3HZzPS-Ccdw','GRXE_DNn_y--N3_-JqovoA','tYnu5vQq1McdHGXiMz4-rA','2026-11-20 09:02:06.123456');
INSERT INTO "trials" VALUES(10,1,'CCCCCCCCCCCCCCCCCCCCCC',1,1,'uTkIdD1O74dxX2xlKwajCw','XhZoCD69nR1r18Z9SND8oQ','wktCM00rSTbzI8g00EA0cA',NULL);
INSERT INTO "trials" VALUES(11,1,'CCCCCCCCCCCCCCCCCCCCCC',3,2,'2T8QggTYWwHsLIER2yrH1Q','P6kitkXFbCelvIfQP8pVxg','QOUc_3o49NXoJdzqc-PtFw',NULL);
INSERT INTO "trials" VALUES(12,1,'CCCCCCCCCCCCCCCCCCCCCC',2,3,'JQF3erdeAkcY7L5loAcgQA','SmAZkp7lp_8E5TbkXoXs7g','JW9JcCYGo85ixgEosGu_sw',NULL);
CREATE TABLE votes (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	value INTEGER NOT NULL, 
	response_ms INTEGER NOT NULL, 
	viewport_width INTEGER NOT NULL, 
	viewport_height INTEGER NOT NULL, 
	device_pixel_ratio DOUBLE NOT NULL, 
	voted_at DATETIME NOT NULL, 
	previous_sha256 VARCHAR(64) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (study_id, ordinal), 
	UNIQUE (study_id, previous_sha256), 
	FOREIGN KEY(study_id, trial_id) REFERENCES trials (study_id, id), 
	FOREIGN KEY(study_id, value) REFERENCES scale_points (study_id, value), 
	CONSTRAINT votes_response_ms CHECK (response_ms >= 0), 
	CONSTRAINT votes_viewport CHECK (viewport_width > 0 AND viewport_height > 0), 
	CONSTRAINT votes_device_pixel_ratio CHECK (device_pixel_ratio > 0), 
	UNIQUE (trial_id), 
	UNIQUE (sha256)
);
INSERT INTO "votes" VALUES(1,1,1,0,0,900,390,844,3.0,'2026-11-20 09:00:28.123456','731094b46a46a0af12a042a5149398eb44e3ec4759c631a2e064b33738a2fe4c','e4a7f28fb65e500ebf9df50fad2c7079c6804d0cd28eb3fcb35948be969579a8');
INSERT INTO "votes" VALUES(2,1,2,1,1,900,390,844,3.0,'2026-11-20 09:00:42.123456','e4a7f28fb65e500ebf9df50fad2c7079c6804d0cd28eb3fcb35948be969579a8','10d52c6b2bc3c9a8e3a67f7d7051e34892a1b1b3627a149c05c6ee3605191f98');
INSERT INTO "votes" VALUES(3,1,3,2,2,900,390,844,3.0,'2026-11-20 09:00:56.123456','10d52c6b2bc3c9a8e3a67f7d7051e34892a1b1b3627a149c05c6ee3605191f98','da46bad8dd390040385691ff27a8dd5f2e553bdedb8f04c0dd4c9283a6c30869');
INSERT INTO "votes" VALUES(4,1,4,3,5,900,390,844,3.0,'2026-11-20 09:01:10.123456','da46bad8dd390040385691ff27a8dd5f2e553bdedb8f04c0dd4c9283a6c30869','1c9ccf0e2d20d2949d29297e5b44966bbbbaa998e093553aacaff69deb5362ab');
INSERT INTO "votes" VALUES(5,1,5,4,3,900,390,844,3.0,'2026-11-20 09:01:31.123456','1c9ccf0e2d20d2949d29297e5b44966bbbbaa998e093553aacaff69deb5362ab','c168bfeff5cd26839a6cfd07e53b090809bc9166533e32e7008f41ac78d8b3ff');
INSERT INTO "votes" VALUES(6,1,6,5,4,900,390,844,3.0,'2026-11-20 09:01:45.123456','c168bfeff5cd26839a6cfd07e53b090809bc9166533e32e7008f41ac78d8b3ff','1aecdbfefc5517cb320cb75d582d03cfb859201098a6788b09cc084f2bbb233c');
COMMIT;
