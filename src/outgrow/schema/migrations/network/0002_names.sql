-- A time is named for what happened then.
ALTER TABLE network.operations RENAME COLUMN at TO done_at;
