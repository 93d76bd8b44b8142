-- What the pool itself says to the server.

-- name: plan_for_parameters
-- Until the end of the transaction.
SET LOCAL plan_cache_mode = force_custom_plan;
