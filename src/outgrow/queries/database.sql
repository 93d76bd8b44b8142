-- What the pool itself says to the server.

-- name: plan_for_parameters
-- Until the end of the transaction.
SET LOCAL plan_cache_mode = force_custom_plan;

-- name: role
-- As whom we are connected, and who made what Outgrow keeps here, if it is here.
SELECT current_user::text AS name, (
  SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'outgrow') AS owner;
