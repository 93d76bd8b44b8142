-- Two people at a time. An intro, a connection, a chat and a block between them have no key in
-- common that could be locked before any of them exists. Every role that may connect sees all
-- advisory locks in pg_locks: the secret keeps it from telling whose this is.

-- name: lock_pair
SELECT pg_advisory_xact_lock(network.pair_number($1, $2));
