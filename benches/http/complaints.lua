-- Posts the complaints of a JSONL file in turn: real lengths, not one text a million times.
-- Used by wrk; the requests are made before the clock starts.

local requests = {}

function init(args)
  local path = args[1]
  for line in io.lines(path) do
    local text = line:match('"text": (".-[^\\]")') 
    if text then
      requests[#requests + 1] = wrk.format("POST", nil, { ["Content-Type"] = "application/json" },
        '{"text": ' .. text .. "}")
    end
  end
  if #requests == 0 then error("no complaint in " .. path) end
end

local next_idx = 0

function request()
  next_idx = next_idx % #requests + 1
  return requests[next_idx]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("%d %.3f %.3f %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
