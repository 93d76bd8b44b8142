-- keys by prefix, in order
CREATE INDEX CONCURRENTLY "og_key_6cb772e2" ON "public"."kv_store_2516be19" (key COLLATE "C");

-- users by school, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_sort_created_id_1fd2dacd" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (coalesce(outgrow.time_of(value -> 'createdAt'), '-infinity'::timestamptz)), (substr(key, 6))) WHERE key ~ '^user:([^:]{1,200})$';

-- users by school, sort_name, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_sort_name_id_3463d52d" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (lower(left(coalesce(outgrow.label_of(value -> 'name'), ''), 64))), (substr(key, 6))) WHERE key ~ '^user:([^:]{1,200})$';

-- users by school, major, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_major_sort_created_id_ddfe4e0b" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.key_of(value -> 'major')), (coalesce(outgrow.time_of(value -> 'createdAt'), '-infinity'::timestamptz)), (substr(key, 6))) WHERE key ~ '^user:([^:]{1,200})$';

-- users by school, year, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_year_sort_created_id_8d3e1600" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.key_of(value -> 'year')), (coalesce(outgrow.time_of(value -> 'createdAt'), '-infinity'::timestamptz)), (substr(key, 6))) WHERE key ~ '^user:([^:]{1,200})$';

-- users by email_key (btree)
CREATE INDEX CONCURRENTLY "og_users_email_key_61f1604f" ON "public"."kv_store_2516be19" ((lower(outgrow.key_of(value -> 'email')))) WHERE key ~ '^user:([^:]{1,200})$';

-- users by interests (contains)
CREATE INDEX CONCURRENTLY "og_users_interests_contains_6f3de5c8" ON "public"."kv_store_2516be19" USING gin ((outgrow.array_of(value -> 'interests')) jsonb_path_ops) WHERE key ~ '^user:([^:]{1,200})$';

-- users by looking_for (contains)
CREATE INDEX CONCURRENTLY "og_users_looking_for_contains_9cf6a9af" ON "public"."kv_store_2516be19" USING gin ((outgrow.array_of(value -> 'lookingFor')) jsonb_path_ops) WHERE key ~ '^user:([^:]{1,200})$';

-- users by search_name (trigram)
CREATE INDEX CONCURRENTLY "og_users_search_name_trigram_e8c5b0a8" ON "public"."kv_store_2516be19" USING gin ((outgrow.fold(left(coalesce(left(outgrow.label_of(value -> 'name'), 120), ''), 120))) gin_trgm_ops) WHERE key ~ '^user:([^:]{1,200})$';

-- users by search_text (words)
CREATE INDEX CONCURRENTLY "og_users_search_text_words_68fac716" ON "public"."kv_store_2516be19" USING gin (to_tsvector('simple'::regconfig, (outgrow.fold(left(coalesce(left(outgrow.label_of(value -> 'name'), 2000), '') || ' ' || coalesce(left(outgrow.key_of(value -> 'major'), 2000), '') || ' ' || coalesce(left((outgrow.array_of(value -> 'interests'))::text, 2000), '') || ' ' || coalesce(left((outgrow.array_of(value -> 'lookingFor'))::text, 2000), '') || ' ' || coalesce(left(outgrow.text_of(value -> 'bio'), 2000), ''), 2000))))) WHERE key ~ '^user:([^:]{1,200})$';

-- users by probe (contains)
CREATE INDEX CONCURRENTLY "og_users_probe_contains_6ba410cf" ON "public"."kv_store_2516be19" USING gin (value jsonb_path_ops) WHERE key ~ '^user:([^:]{1,200})$';

-- connections by probe (contains)
CREATE INDEX CONCURRENTLY "og_connections_probe_contains_9bd0107a" ON "public"."kv_store_2516be19" USING gin (value jsonb_path_ops) WHERE key ~ '^user:([^:]{1,200}):connections$';

-- chats by probe (contains)
CREATE INDEX CONCURRENTLY "og_chats_probe_contains_d6a3d1ad" ON "public"."kv_store_2516be19" USING gin (value jsonb_path_ops) WHERE key ~ '^chat:(.{1,200})$' AND key !~ '^chat:(.{1,200}):messages$' AND key !~ '^chat:(.{1,200}):typing:([^:]{1,200})$';

-- intros by to_id, status (btree)
CREATE INDEX CONCURRENTLY "og_intros_to_id_status_a018de05" ON "public"."kv_store_2516be19" ((split_part(key, ':', 3)), (outgrow.key_of(value -> 'status'))) WHERE key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$';

-- intros by from_id, status (btree)
CREATE INDEX CONCURRENTLY "og_intros_from_id_status_89c2b784" ON "public"."kv_store_2516be19" ((split_part(key, ':', 2)), (outgrow.key_of(value -> 'status'))) WHERE key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$';
