--- Run specs in the busted of Debian on a stock lua5.4: our modules need no host of ours.
---
--- usage: lua5.4 tools/stock_busted.lua BUILD_FOLDER [arguments of busted]

local build = table.remove(arg, 1)
package.path = "lua/?.lua;lua/?/init.lua;./?.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

require("busted.runner")({ standalone = false })
