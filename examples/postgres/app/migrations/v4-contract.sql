-- v3, which serves while this runs, knows the new name only; so does v4, and no version before v3 comes back.
DROP TRIGGER keep_names_equal ON customers;
DROP FUNCTION keep_names_equal;
ALTER TABLE customers ALTER COLUMN full_name SET NOT NULL;
ALTER TABLE customers DROP COLUMN name;
