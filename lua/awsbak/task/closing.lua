--- Whether a coroutine is inside a `__close` call: where cleanup happens.

local M = {}

local function close_method(value)
  local meta = debug.getmetatable(value)
  return meta and rawget(meta, "__close")
end

--- Whether the coroutine is in a `__close` call: some frame's caller holds a value that the frame's
--- function closes. While an error is on its way the caller is pcall, whose stack ends with that
--- value and the error; this tells also a `__close` that ended in a tail call. (Lua names such
--- frames only when there is no error. All in one function, since levels count from the one that
--- asks.)
---@param co thread suspended, or the one that asks
---@return boolean
function M.is_closing(co)
  local level = 1 -- 0 is debug.getinfo, or yield
  local frame, caller = debug.getinfo(co, 1, "ft"), debug.getinfo(co, 2, "ftS")
  while caller do
    local before, last
    for i = 1, math.huge do
      local name, value = debug.getlocal(co, level + 1, i)
      if not name then
        break
      end
      if close_method(value) == frame.func then
        return true
      end
      before, last = last, value
    end
    if frame.istailcall and caller.what == "C" and close_method(before) then
      return true
    end
    level = level + 1
    frame, caller = caller, debug.getinfo(co, level + 1, "ftS")
  end
  return false
end

return M
