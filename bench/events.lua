-- For wrk: posts events that differ in their uuid only.  Arguments: a file with
-- an event whose uuid is all zeros, and a verification token.  Prints requests,
-- seconds, failures, and latencies in seconds.

local uuid = "00000000-0000-0000-0000-000000000000"

function init(arguments)
	local headers = { ["Content-Type"] = "application/json", ["Verification-Token"] = arguments[2] }
	local text = wrk.format("POST", wrk.path, headers, io.open(arguments[1]):read("*a"))
	local at = text:find(uuid, 1, true)
	before, after = text:sub(1, at - 1), text:sub(at + #uuid)
	run = ("%02x"):rep(8):format(io.open("/dev/urandom"):read(8):byte(1, 8))
	count = 0
end

function request()
	count = count + 1
	return before .. ("%s-%019x"):format(run, count) .. after
end

function done(summary, latency)
	local errors = summary.errors
	print("result", summary.requests, summary.duration / 1e6,
		errors.connect + errors.read + errors.write + errors.status + errors.timeout,
		latency:percentile(50) / 1e6, latency:percentile(99) / 1e6, latency.max / 1e6)
end
