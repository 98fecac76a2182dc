-- A record of something that changed no item: a refusal, a key made or revoked.
-- KEYS: 1 audit, 2 meta   ARGV: names and values, a pair for each field
-- Returns the number of the record.

local fields = {'at', number(now)}
for place = 1, #ARGV do fields[#fields + 1] = ARGV[place] end
return number(record(KEYS[1], fields))
