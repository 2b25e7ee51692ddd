std = "lua54"
max_line_length = 100
codes = true
-- `<close>` variables act when they leave their scope: not naming them again is the point.
ignore = { "211/_.*", "212/_.*", "213/_.*" }
exclude_files = { "build", "lua/aws/models" }
files["spec"] = { std = "lua54+busted" }
files["scripts/features"] = { std = "lua54+busted" }
