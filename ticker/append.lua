-- One act on one item, whole or not at all.
-- KEYS: 1 log, 2 meta, 3 items, 4 due, 5 waiting, 6 audit, 7 history of the item, 8 record of the text,
--       9 the idempotency record, 10 items of the story
-- ARGV: 1 what is asked (JSON, see `Log.append`), 2 the item (JSON object without the fields set here)
-- Returns {'appended' | 'again', cursor, item}, {'dry', '0-0', item, id of the same text} when only asked what would
-- be, or a refusal: {'conflict'}, {'stale', newest version, newest item},
-- {'similar', id}, {'past', field}, {'pinned', id}, {'late'}.

local ask = cjson.decode(ARGV[1])

if ask.fingerprint then
  local seen = redis.call('HMGET', KEYS[9], 'fingerprint', 'cursor', 'item')
  if seen[1] then
    if seen[1] ~= ask.fingerprint then return {'conflict'} end
    return {'again', seen[2], seen[3]}
  end
end

-- Every stored item begins with its version, because this script wrote it so.
local before = redis.call('HGET', KEYS[3], ask.id)
local version = before and tonumber(string.match(before, '^{"version":(%d+)')) or 0
if version ~= ask.expected then return {'stale', number(version), before} end

local twin = ask.text and redis.call('GET', KEYS[8])
if twin == ask.id or twin == ask.replaces then twin = nil end
if twin and ask.guard and not ask.dry then return {'similar', twin} end

for _, pair in ipairs(ask.ahead) do
  if pair[2] <= now then return {'past', pair[1]} end
end
if ask.pins then
  local pinned = redis.call('HGET', KEYS[2], 'pinned')
  if pinned and pinned ~= ask.id then return {'pinned', pinned} end
end
if ask.push_at and ask.push_at <= now then return {'late'} end

local stamped = '{"version":' .. number(version + 1)
for _, name in ipairs(ask.stamps) do
  stamped = stamped .. ',"' .. name .. '":' .. number(now)
end
for _, pair in ipairs(ask.after) do
  local moment = now + pair[2]
  if pair[1] == 'push_at' and before then
    -- It names the push (see `judged`), so two acts of one millisecond may not have the same. A much later one is of a
    -- hold that was longer, and waits for nobody.
    local had = tonumber(string.match(before, '"push_at":(%d+)'))
    if had and had >= moment and had < moment + 1000 then moment = had + 1 end
  end
  stamped = stamped .. ',"' .. pair[1] .. '":' .. number(moment)
end
local item = stamped .. ',' .. string.sub(ARGV[2], 2)
if ask.dry then return {'dry', '0-0', item, twin or ''} end

local epoch, n, last = life(KEYS[1], KEYS[2])
local cursor = epoch .. '-' .. number(n)
if ask.wire then
  cursor = epoch .. '-' .. number(n + 1)
  local fields = {'previous', last, 'act', ask.wire, 'item', item}
  if ask.trace then
    fields[7], fields[8] = 'trace', ask.trace
  end
  redis.call('XADD', KEYS[1], 'MAXLEN', '=', ask.length, cursor, unpack(fields))
  redis.call('HSET', KEYS[2], 'n', number(n + 1), 'last', cursor)
end
redis.call('HSET', KEYS[3], ask.id, item)

local due = nil
for _, moment in ipairs(ask.due) do due = math.min(due or moment, moment) end
for _, distance in ipairs(ask.due_after) do due = math.min(due or now + distance, now + distance) end
if due then redis.call('ZADD', KEYS[4], number(due), ask.id) else redis.call('ZREM', KEYS[4], ask.id) end

redis.call(ask.waiting and 'SADD' or 'SREM', KEYS[5], ask.id)
if ask.pinned then
  redis.call('HSET', KEYS[2], 'pinned', ask.id)
elseif redis.call('HGET', KEYS[2], 'pinned') == ask.id then
  redis.call('HDEL', KEYS[2], 'pinned')
end
if ask.text then redis.call('SET', KEYS[8], ask.id, 'PX', ask.similar_ms) end
if ask.story then
  redis.call('SADD', KEYS[10], ask.id)
  redis.call('PEXPIRE', KEYS[10], ask.story_ms)
end

if twin then ask.detail = ask.detail .. (ask.detail == '' and '' or '; ') .. 'same text as ' .. twin end
local number_of_record = record(KEYS[6], {
  'at', number(now), 'act', ask.act, 'item', ask.id, 'by', ask.by, 'detail', ask.detail, 'wire', ask.wire or '',
  'cursor', cursor, 'before', before or '', 'after', item
})
redis.call('RPUSH', KEYS[7], number(number_of_record) .. '-0')

if ask.fingerprint then
  redis.call('HSET', KEYS[9], 'fingerprint', ask.fingerprint, 'cursor', cursor, 'item', item)
  redis.call('PEXPIRE', KEYS[9], ask.remember_ms)
end
return {'appended', cursor, item}
