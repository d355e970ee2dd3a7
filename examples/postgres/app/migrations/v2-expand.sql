-- Both names at once. Whoever writes one of them writes both, so every version reads what any other one wrote.
ALTER TABLE customers ADD COLUMN full_name text;

CREATE FUNCTION keep_names_equal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.name := coalesce(NEW.name, NEW.full_name);
    NEW.full_name := NEW.name;
  ELSIF NEW.full_name IS DISTINCT FROM OLD.full_name THEN
    NEW.name := NEW.full_name;
  ELSE
    NEW.full_name := NEW.name;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER keep_names_equal BEFORE INSERT OR UPDATE ON customers
  FOR EACH ROW EXECUTE FUNCTION keep_names_equal();

UPDATE customers SET full_name = name;
