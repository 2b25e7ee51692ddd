local advice = require("aws.advice")

describe("aws.advice", function()
  it("knows a proxy's refusal of a tunnel by curl's words", function()
    local refused = {
      kind = "network",
      code = "connect",
      message = "the proxy p:1 did not open a way to h:443: CONNECT tunnel failed, response 407",
    }
    assert.matches("a proxy wants credentials", advice.on(refused), 1, true)
  end)

  it("has none where the message says enough", function()
    local absent = { kind = "service", code = "ParameterNotFound", status = 400, message = "x" }
    assert.is_nil(advice.on(absent))
    local head = { kind = "reply", code = "too_large", message = "the reply has too many headers" }
    assert.is_nil(advice.on(head))
    assert.is_nil(advice.on({ kind = "network", code = "dns", message = "no such host" }))
  end)
end)
