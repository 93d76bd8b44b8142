WITH usual AS (
    SELECT 2 * count(*) FILTER (WHERE p.agrees) > count(*) AS agrees
    FROM (SELECT s.value ->> 'id' = substr(s.key, 6) AS agrees FROM "public"."kv_store_2516be19" s WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205 LIMIT 200) p
),
misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        jsonb_typeof(s.value) <> 'object',
        jsonb_typeof(s.value) <> 'object' OR (CASE WHEN jsonb_typeof(s.value -> 'school') = 'string' AND length(s.value -> 'school' #>> '{}') <= 200 THEN s.value -> 'school' #>> '{}' END) IS NULL,
        jsonb_typeof(s.value) <> 'object',
        jsonb_typeof(s.value -> 'email') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'email') = 'string' AND length(s.value -> 'email' #>> '{}') > 200,
        jsonb_typeof(s.value -> 'name') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'name') = 'string' AND length(s.value -> 'name' #>> '{}') > 200,
        jsonb_typeof(s.value -> 'school') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'school') = 'string' AND length(s.value -> 'school' #>> '{}') > 200,
        jsonb_typeof(s.value -> 'major') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'major') = 'string' AND length(s.value -> 'major' #>> '{}') > 200,
        jsonb_typeof(s.value -> 'year') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'year') = 'string' AND length(s.value -> 'year' #>> '{}') > 40,
        jsonb_typeof(s.value -> 'interests') NOT IN ('array', 'null'),
        jsonb_typeof(s.value -> 'lookingFor') NOT IN ('array', 'null'),
        jsonb_typeof(s.value -> 'blockedUsers') NOT IN ('array', 'null'),
        jsonb_typeof(s.value -> 'createdAt') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'createdAt') = 'string' AND NOT (translate(s.value -> 'createdAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')),
        jsonb_typeof(s.value -> 'settings') NOT IN ('object', 'null') OR jsonb_typeof((s.value #> '{settings,profileVisible}')) NOT IN ('boolean', 'null'),
        jsonb_typeof(s.value -> 'bio') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'bio') = 'string' AND length(s.value -> 'bio' #>> '{}') > 1000,
        jsonb_typeof(s.value -> 'age') NOT IN ('number', 'null'),
        jsonb_typeof(s.value -> 'pronouns') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'personality') NOT IN ('array', 'null'),
        jsonb_typeof(s.value -> 'goals') NOT IN ('object', 'null'),
        jsonb_typeof(s.value -> 'livingHabits') NOT IN ('object', 'null'),
        jsonb_typeof(s.value -> 'photos') NOT IN ('array', 'null'),
        jsonb_typeof(s.value -> 'profilePicture') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'additionalInfo') NOT IN ('string', 'null'),
        jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual) AND s.value ? 'id' AND (s.value ->> 'id' = substr(s.key, 6)) IS NOT TRUE,
        jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual) AND NOT s.value ? 'id'], true) AS places
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
        AND ((jsonb_typeof(s.value) <> 'object')
        OR (jsonb_typeof(s.value) <> 'object' OR (CASE WHEN jsonb_typeof(s.value -> 'school') = 'string' AND length(s.value -> 'school' #>> '{}') <= 200 THEN s.value -> 'school' #>> '{}' END) IS NULL)
        OR (jsonb_typeof(s.value) <> 'object')
        OR (jsonb_typeof(s.value -> 'email') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'email') = 'string' AND length(s.value -> 'email' #>> '{}') > 200)
        OR (jsonb_typeof(s.value -> 'name') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'name') = 'string' AND length(s.value -> 'name' #>> '{}') > 200)
        OR (jsonb_typeof(s.value -> 'school') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'school') = 'string' AND length(s.value -> 'school' #>> '{}') > 200)
        OR (jsonb_typeof(s.value -> 'major') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'major') = 'string' AND length(s.value -> 'major' #>> '{}') > 200)
        OR (jsonb_typeof(s.value -> 'year') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'year') = 'string' AND length(s.value -> 'year' #>> '{}') > 40)
        OR (jsonb_typeof(s.value -> 'interests') NOT IN ('array', 'null'))
        OR (jsonb_typeof(s.value -> 'lookingFor') NOT IN ('array', 'null'))
        OR (jsonb_typeof(s.value -> 'blockedUsers') NOT IN ('array', 'null'))
        OR (jsonb_typeof(s.value -> 'createdAt') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'createdAt') = 'string' AND NOT (translate(s.value -> 'createdAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')))
        OR (jsonb_typeof(s.value -> 'settings') NOT IN ('object', 'null') OR jsonb_typeof((s.value #> '{settings,profileVisible}')) NOT IN ('boolean', 'null'))
        OR (jsonb_typeof(s.value -> 'bio') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'bio') = 'string' AND length(s.value -> 'bio' #>> '{}') > 1000)
        OR (jsonb_typeof(s.value -> 'age') NOT IN ('number', 'null'))
        OR (jsonb_typeof(s.value -> 'pronouns') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'personality') NOT IN ('array', 'null'))
        OR (jsonb_typeof(s.value -> 'goals') NOT IN ('object', 'null'))
        OR (jsonb_typeof(s.value -> 'livingHabits') NOT IN ('object', 'null'))
        OR (jsonb_typeof(s.value -> 'photos') NOT IN ('array', 'null'))
        OR (jsonb_typeof(s.value -> 'profilePicture') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'additionalInfo') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual) AND s.value ? 'id' AND (s.value ->> 'id' = substr(s.key, 6)) IS NOT TRUE)
        OR (jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual) AND NOT s.value ? 'id'))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH groups AS (
    SELECT min(s.key) AS key, count(*) AS size
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205 AND jsonb_typeof(s.value) = 'object' AND lower(CASE WHEN jsonb_typeof(s.value -> 'email') = 'string' AND length(s.value -> 'email' #>> '{}') <= 200 THEN s.value -> 'email' #>> '{}' END) IS NOT NULL GROUP BY lower(CASE WHEN jsonb_typeof(s.value -> 'email') = 'string' AND length(s.value -> 'email' #>> '{}') <= 200 THEN s.value -> 'email' #>> '{}' END)
),
misfits AS (
    SELECT g.key AS key, array_positions(ARRAY[
        g.size > 1 AND (SELECT 2 * count(*) FILTER (WHERE size = 1) > count(*) FROM groups)], true) AS places
    FROM groups g
    WHERE true
        AND ((g.size > 1 AND (SELECT 2 * count(*) FILTER (WHERE size = 1) > count(*) FROM groups)))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        e.unmapped,
        e.unmapped AND EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)], true) AS places
    FROM "public"."kv_store_2516be19" s
    CROSS JOIN LATERAL (SELECT (CASE WHEN CASE WHEN jsonb_typeof(s.value) = 'array' THEN (SELECT count(DISTINCT CASE WHEN jsonb_typeof(e.v) = 'string' AND length(e.v #>> '{}') <= 200 THEN e.v #>> '{}' END) = jsonb_array_length(s.value) FROM jsonb_array_elements(s.value) AS e(v)) ELSE false END THEN NULL ELSE s.value END) IS NOT NULL AS unmapped OFFSET 0) e
    WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+):connections$' AND length(s.key) <= 217
        AND ((e.unmapped)
        OR (e.unmapped AND EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        jsonb_typeof(s.value) <> 'object',
        jsonb_typeof(s.value -> 'reason') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'status') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'status') = 'string' AND length(s.value -> 'status' #>> '{}') > 200,
        jsonb_typeof(s.value -> 'createdAt') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'createdAt') = 'string' AND NOT (translate(s.value -> 'createdAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')),
        jsonb_typeof(s.value -> 'acceptedAt') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'acceptedAt') = 'string' AND NOT (translate(s.value -> 'acceptedAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')),
        jsonb_typeof(s.value -> 'deniedAt') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'deniedAt') = 'string' AND NOT (translate(s.value -> 'deniedAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z'))], true) AS places
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'intro:' AND s.key COLLATE "C" < 'intro;' AND s.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(s.key) <= 210 OR s.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$')
        AND ((jsonb_typeof(s.value) <> 'object')
        OR (jsonb_typeof(s.value -> 'reason') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'status') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'status') = 'string' AND length(s.value -> 'status' #>> '{}') > 200)
        OR (jsonb_typeof(s.value -> 'createdAt') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'createdAt') = 'string' AND NOT (translate(s.value -> 'createdAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')))
        OR (jsonb_typeof(s.value -> 'acceptedAt') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'acceptedAt') = 'string' AND NOT (translate(s.value -> 'acceptedAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')))
        OR (jsonb_typeof(s.value -> 'deniedAt') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'deniedAt') = 'string' AND NOT (translate(s.value -> 'deniedAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z'))))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH usual AS (
    SELECT 2 * count(*) FILTER (WHERE p.agrees) > count(*) AS agrees
    FROM (SELECT s.value ->> 'id' = substr(s.key, 6) AS agrees FROM "public"."kv_store_2516be19" s WHERE s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$')) LIMIT 200) p
),
misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        jsonb_typeof(s.value) <> 'object',
        NOT EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value -> 'participants') = 'array' THEN s.value -> 'participants' ELSE '[]' END) AS x(v) WHERE (CASE WHEN jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') <= 200 THEN x.v #>> '{}' END) IS NOT NULL),
        EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value -> 'participants') = 'array' THEN s.value -> 'participants' ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200),
        jsonb_typeof(s.value -> 'participants') NOT IN ('array', 'null'),
        jsonb_typeof(s.value -> 'createdAt') NOT IN ('string', 'null'),
        jsonb_typeof(s.value -> 'createdAt') = 'string' AND NOT (translate(s.value -> 'createdAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')),
        jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual) AND s.value ? 'id' AND (s.value ->> 'id' = substr(s.key, 6)) IS NOT TRUE,
        jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual) AND NOT s.value ? 'id'], true) AS places
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
        AND ((jsonb_typeof(s.value) <> 'object')
        OR (NOT EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value -> 'participants') = 'array' THEN s.value -> 'participants' ELSE '[]' END) AS x(v) WHERE (CASE WHEN jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') <= 200 THEN x.v #>> '{}' END) IS NOT NULL))
        OR (EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value -> 'participants') = 'array' THEN s.value -> 'participants' ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200))
        OR (jsonb_typeof(s.value -> 'participants') NOT IN ('array', 'null'))
        OR (jsonb_typeof(s.value -> 'createdAt') NOT IN ('string', 'null'))
        OR (jsonb_typeof(s.value -> 'createdAt') = 'string' AND NOT (translate(s.value -> 'createdAt' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')))
        OR (jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual) AND s.value ? 'id' AND (s.value ->> 'id' = substr(s.key, 6)) IS NOT TRUE)
        OR (jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual) AND NOT s.value ? 'id'))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        e.unmapped,
        e.wrong_type_0,
        e.wrong_type_1,
        e.long_text_1,
        e.wrong_type_2,
        e.wrong_type_3,
        e.long_text_3,
        e.wrong_type_4,
        e.unreadable_time_4], true) AS places
    FROM "public"."kv_store_2516be19" s
    CROSS JOIN LATERAL (SELECT (CASE WHEN CASE WHEN jsonb_typeof(s.value) = 'array' THEN NOT EXISTS (SELECT FROM jsonb_array_elements(s.value) AS e(v) WHERE jsonb_typeof(e.v) <> 'object') ELSE false END THEN NULL ELSE s.value END) IS NOT NULL AS unmapped, bool_or(jsonb_typeof(x.v -> 'id') NOT IN ('string', 'null')) AS wrong_type_0, bool_or(jsonb_typeof(x.v -> 'senderId') NOT IN ('string', 'null')) AS wrong_type_1, bool_or(jsonb_typeof(x.v -> 'senderId') = 'string' AND length(x.v -> 'senderId' #>> '{}') > 200) AS long_text_1, bool_or(jsonb_typeof(x.v -> 'content') NOT IN ('string', 'null')) AS wrong_type_2, bool_or(jsonb_typeof(x.v -> 'type') NOT IN ('string', 'null')) AS wrong_type_3, bool_or(jsonb_typeof(x.v -> 'type') = 'string' AND length(x.v -> 'type' #>> '{}') > 200) AS long_text_3, bool_or(jsonb_typeof(x.v -> 'timestamp') NOT IN ('string', 'null')) AS wrong_type_4, bool_or(jsonb_typeof(x.v -> 'timestamp') = 'string' AND NOT (translate(x.v -> 'timestamp' #>> '{}', '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z'))) AS unreadable_time_4 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v)) e
    WHERE s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214
        AND ((e.unmapped)
        OR (e.wrong_type_0)
        OR (e.wrong_type_1)
        OR (e.long_text_1)
        OR (e.wrong_type_2)
        OR (e.wrong_type_3)
        OR (e.long_text_3)
        OR (e.wrong_type_4)
        OR (e.unreadable_time_4))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)], true) AS places
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'school:' AND s.key COLLATE "C" < 'school;' AND s.key ~ '^school:(.+):users$' AND length(s.key) <= 213
        AND ((EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)], true) AS places
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'schools:all' AND s.key COLLATE "C" < 'schools:alm' AND s.key ~ '^schools:all$'
        AND ((EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)], true) AS places
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+):chats$' AND length(s.key) <= 211
        AND ((EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)], true) AS places
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+):soft-intros:incoming$' AND length(s.key) <= 226
        AND ((EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;

WITH misfits AS (
    SELECT s.key AS key, array_positions(ARRAY[
        EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)], true) AS places
    FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+):soft-intros:outgoing$' AND length(s.key) <= 226
        AND ((EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS x(v) WHERE jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{}') > 200)))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= 3)
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place;
