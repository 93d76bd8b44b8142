-- Two people at a time. An intro, a connection, a chat and a block between them have no key in common
-- that could be locked before any of them is there.

-- name: lock_pair
SELECT pg_advisory_xact_lock(hashtextextended(
  'pair ' || least($1::text COLLATE "C", $2::text COLLATE "C")
  || ' ' || greatest($1::text COLLATE "C", $2::text COLLATE "C"), 0))
