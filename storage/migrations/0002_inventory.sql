-- What the utility owns. Written from the site's files; points outlive devices, a channel says which device feeds a point and when.

SET LOCAL ROLE khettara_migrate;

CREATE TABLE site (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    key      text  NOT NULL,
    names    jsonb NOT NULL,
    timezone text  NOT NULL
);

CREATE TABLE zone (
    key            text PRIMARY KEY,
    kind           text   NOT NULL,
    names          jsonb  NOT NULL,
    parent         text   REFERENCES zone (key) DEFERRABLE INITIALLY DEFERRED,
    min_pressure_m float8 NOT NULL,
    connections    int    NOT NULL,
    population     int    NOT NULL,
    mains_km       float8 NOT NULL,
    night_use_m3h  float8 NOT NULL
);

CREATE TABLE point (
    point_id   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        text NOT NULL UNIQUE,
    quantity   text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('instant', 'interval', 'register')),
    role       text NOT NULL,
    unit       text NOT NULL,
    resolution numeric NOT NULL CHECK (resolution > 0),
    zone       text REFERENCES zone (key) DEFERRABLE INITIALLY DEFERRED,
    low        float8,
    high       float8,
    period_s   int NOT NULL CHECK (period_s > 0),
    node       text,
    x          float8,
    y          float8,
    -- resolution = numerator / denominator, both whole: count * numerator / denominator is the double nearest to the decimal.
    numerator   float8 NOT NULL GENERATED ALWAYS AS ((resolution * 10::numeric ^ scale(trim_scale(resolution)))::float8) STORED,
    denominator float8 NOT NULL GENERATED ALWAYS AS ((10::numeric ^ scale(trim_scale(resolution)))::float8) STORED
);
COMMENT ON COLUMN point.unit IS 'Canonical unit of the quantity; resolution, low and high are in it.';
CREATE INDEX point_zone ON point (zone);

CREATE TABLE zone_inlet (
    zone     text NOT NULL REFERENCES zone (key),
    point_id int  NOT NULL REFERENCES point,
    sign     int2 NOT NULL CHECK (sign IN (-1, 1)),
    PRIMARY KEY (zone, point_id)
);

CREATE TABLE zone_critical (
    zone     text NOT NULL REFERENCES zone (key),
    point_id int  NOT NULL REFERENCES point,
    place    int  NOT NULL,
    PRIMARY KEY (zone, point_id)
);

CREATE TABLE gateway (
    edge     text PRIMARY KEY,
    group_id text NOT NULL,
    node     text NOT NULL,
    name     text NOT NULL
);
COMMENT ON COLUMN gateway.edge IS 'group/node, the name of the gateway everywhere in this database.';

CREATE TABLE device (
    edge     text NOT NULL REFERENCES gateway,
    key      text NOT NULL,
    model    text NOT NULL,
    unit_id  int  NOT NULL,
    period_s int  NOT NULL,
    PRIMARY KEY (edge, key)
);

CREATE TABLE channel (
    channel_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    edge       text NOT NULL,
    device     text NOT NULL,
    metric     text NOT NULL,
    point_id   int  NOT NULL REFERENCES point,
    valid_from timestamptz,
    valid_to   timestamptz,
    FOREIGN KEY (edge, device) REFERENCES device,
    CHECK (valid_from <= valid_to)
);
COMMENT ON COLUMN channel.valid_from IS 'First moment the channel feeds the point; NULL is since ever.';
COMMENT ON COLUMN channel.valid_to IS 'First moment it no longer does; NULL is still valid.';
CREATE UNIQUE INDEX channel_valid_now ON channel (edge, device, metric) WHERE valid_to IS NULL;

-- One metric feeds one point at a time. (An exclusion constraint would need the extension btree_gist, which is not everywhere.)
CREATE FUNCTION channel_must_not_overlap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.edge || '/' || NEW.device || '/' || NEW.metric, 0));
    IF EXISTS (
        SELECT FROM channel c
        WHERE (c.edge, c.device, c.metric) = (NEW.edge, NEW.device, NEW.metric)
          AND c.channel_id <> NEW.channel_id
          AND tstzrange(c.valid_from, c.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
    ) THEN
        RAISE EXCEPTION 'channel %/%/% already feeds a point during part of % .. %',
            NEW.edge, NEW.device, NEW.metric, coalesce(NEW.valid_from::text, 'ever'), coalesce(NEW.valid_to::text, 'ever')
            USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER channel_overlap BEFORE INSERT OR UPDATE ON channel FOR EACH ROW EXECUTE FUNCTION channel_must_not_overlap();

CREATE TABLE actuator (
    key             text PRIMARY KEY,
    edge            text   NOT NULL,
    device          text   NOT NULL,
    field           text   NOT NULL,
    zone            text   NOT NULL REFERENCES zone (key),
    min_m           float8 NOT NULL,
    max_m           float8 NOT NULL,
    safe_m          float8 NOT NULL,
    lease_s         float8 NOT NULL,
    setpoint        int    NOT NULL REFERENCES point,
    outlet_pressure int    NOT NULL REFERENCES point,
    inlet_pressure  int    REFERENCES point,
    flow            int    NOT NULL REFERENCES point,
    FOREIGN KEY (edge, device) REFERENCES device,
    CHECK (min_m <= safe_m AND safe_m <= max_m)
);

GRANT SELECT ON site, zone, zone_inlet, zone_critical, point, gateway, device, channel, actuator
    TO khettara_ingest, khettara_analytics, khettara_command;
