--- Steps of shelf.feature.

local steps = require("feature.steps")

steps.Given("an empty shelf", function(world)
  world.books, world.pages = {}, 0
end)

steps.When("I put {string} on it", function(world, title)
  table.insert(world.books, title)
end)

steps.When("I put {int} books on it", function(world, count)
  for i = 1, count do
    world.books[i] = "book " .. i
  end
end)

steps.When("I put these on it:", function(world, rows)
  for _, record in ipairs(rows.records) do
    table.insert(world.books, record.title)
    world.pages = world.pages + record.pages
  end
end)

steps.Then("there are {int} books", function(world, count)
  assert.equal(count, #world.books)
end)

steps.Then("the first one is {string}", function(world, title)
  assert.equal(title, world.books[1])
end)

steps.Then("the pages are {int}", function(world, pages)
  assert.equal(pages, math.tointeger(world.pages))
end)

steps.Then("the label says:", function(_, text)
  assert.equal("two books\n  indented", text)
end)
