-- name: add
-- A photograph; the same again is no other.
INSERT INTO order_photo (key, work_order, taken_at, taken_by, media_type, width, height, content)
VALUES (%(key)s, %(order)s, %(taken_at)s, %(by)s, %(media_type)s, %(width)s, %(height)s, %(content)s) ON CONFLICT (key) DO NOTHING;

-- name: photos
-- Photographs of an order without their bytes, oldest first.
SELECT key, work_order, taken_at, taken_by, media_type, width, height, octet_length(content) FROM order_photo
WHERE work_order = %(order)s ORDER BY taken_at, key;

-- name: photo
-- One photograph with its bytes.
SELECT key, work_order, taken_at, taken_by, media_type, width, height, octet_length(content), content FROM order_photo
WHERE work_order = %(order)s AND key = %(key)s;
