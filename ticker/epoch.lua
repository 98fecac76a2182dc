-- The life of a log, decided where all writers meet. Prepended to append.lua and pulse.lua.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function number(n) return string.format('%.0f', n) end

-- The format of what this release writes and understands; `stream.py` has the same number. It rises when an older
-- release would take what is written for something else (docs/decisions/0015).
local FORMAT = 1

local replid

-- Returns epoch, n and the last entry's id, by the keys of the log and of its meta.
-- A log that was lost, restored or promoted gives numbers out a second time; every such fault brings a new replication id or takes the meta or the stream away, and then a new epoch
-- begins, so that no id is ever used twice.
local function life(log, meta)
  replid = replid or string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
  local known = redis.call('HMGET', meta, 'epoch', 'n', 'last', 'replid', 'format')
  local format = tonumber(known[5] or '0')
  if format > FORMAT then
    error({err = 'NEWFORMAT a newer release writes this log, in format ' .. format .. '; this one knows ' .. FORMAT})
  end
  if format < FORMAT then redis.call('HSET', meta, 'format', FORMAT) end
  local n = tonumber(known[2] or '0')
  local kept = n == 0 or redis.call('EXISTS', log) == 1
  if known[1] and known[4] == replid and kept then return known[1], n, known[3] end
  local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
  local last = newest[1] and newest[1][1] or '0-0'
  -- The clock may run behind the log's newest id; stream ids have to rise all the same.
  local above = math.max(now, tonumber(string.match(last, '^%d+')) + 1, tonumber(known[1] or '0') + 1)
  local epoch = number(above)
  redis.call('HSET', meta, 'epoch', epoch, 'n', '0', 'last', last, 'replid', replid)
  return epoch, 0, last
end
