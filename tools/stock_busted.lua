--- Run specs in the busted of Debian on a stock lua5.4: our modules need no host of ours.
---
--- usage: LUA_PATH=... LUA_CPATH=... lua5.4 tools/stock_busted.lua [arguments of busted]

require("busted.runner")({ standalone = false })
