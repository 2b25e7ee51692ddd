--- An SSM client over a Parameter Store in memory: for specs that need neither loop nor server.
---
---   local store = parameter_store.new()
---   store.put_parameter({ Name = "/a", Value = "v", Type = "String" })
---   store:refuse("get_parameters", { code = "AccessDeniedException", times = 1 })

local errors = require("awsbak.errors")

local parameter_store = {}

local function refused(code, message, how)
  local kind = how and how.kind or "service"
  errors.raise({
    kind = kind,
    service = "ssm",
    code = code,
    status = kind == "service" and 400 or nil,
    attempts = how and how.attempts,
    unsent = how and how.unsent,
    message = message or code,
  })
end

local operations = {}

local function last(store, name, code)
  local versions = store.versions[name]
  return versions and versions[#versions] or refused(code or "ParameterNotFound", name)
end

local function wanted(filter, name)
  for _, value in ipairs(filter.Values) do
    local below = value == "/" and "/" or value .. "/"
    if
      filter.Key == "Name" and value == name
      or filter.Key == "Path" and name:sub(1, #below) == below
    then
      return true
    end
  end
  return false
end

function operations.describe_parameters(store, input)
  local names = {}
  for name in pairs(store.versions) do
    local filter = input.ParameterFilters and input.ParameterFilters[1]
    if not filter or wanted(filter, name) then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  local first, page = tonumber(input.NextToken or "1"), { Parameters = {} }
  for i = first, math.min(first + store.page - 1, #names) do
    local meta = {}
    for member, value in pairs(last(store, names[i])) do
      if member ~= "Value" and member ~= "Labels" then
        meta[member] = value
      end
    end
    page.Parameters[#page.Parameters + 1] = meta
  end
  page.NextToken = first + store.page <= #names and tostring(first + store.page) or nil
  return page
end

function operations.get_parameters(store, input)
  assert(#input.Names <= 10)
  local answer = { Parameters = {}, InvalidParameters = {} }
  for _, name in ipairs(input.Names) do
    if store.denied[name] then
      refused("AccessDeniedException", "the ciphertext refers to a key that may not be used")
    end
    local list = store.versions[name] and answer.Parameters or answer.InvalidParameters
    list[#list + 1] = store.versions[name] and last(store, name) or name
  end
  return answer
end

function operations.get_parameter(store, input)
  if store.denied[input.Name] then
    refused("AccessDeniedException", "the ciphertext refers to a key that may not be used")
  end
  return { Parameter = last(store, input.Name) }
end

function operations.get_parameter_history(store, input)
  last(store, input.Name)
  return { Parameters = store.versions[input.Name] }
end

function operations.list_tags_for_resource(store, input)
  last(store, input.ResourceId, "InvalidResourceId")
  local answer = { TagList = {} }
  for key, value in pairs(store.tags[input.ResourceId] or {}) do
    table.insert(answer.TagList, { Key = key, Value = value })
  end
  return answer
end

function operations.add_tags_to_resource(store, input)
  local tags = store.tags[input.ResourceId] or {}
  store.tags[input.ResourceId] = tags
  for _, tag in ipairs(input.Tags) do
    tags[tag.Key] = tag.Value
  end
  return {}
end

function operations.remove_tags_from_resource(store, input)
  for _, key in ipairs(input.TagKeys) do
    store.tags[input.ResourceId][key] = nil
  end
  return {}
end

local function policies(text)
  local list = {}
  for one in (text or ""):gmatch("%b{}") do
    list[#list + 1] = one ~= "{}" and { PolicyText = one } or nil
  end
  return list[1] and list
end

function operations.put_parameter(store, input)
  local versions = store.versions[input.Name]
  if versions and not input.Overwrite then
    refused("ParameterAlreadyExists")
  elseif versions and input.Tags then
    refused("ValidationException", "tags and overwrite can't be used together")
  elseif versions and input.Type and versions[#versions].Type ~= input.Type then
    refused("HierarchyTypeMismatchException")
  end
  versions = versions or {}
  store.versions[input.Name] = versions
  local before = versions[#versions] or {}
  store.clock = store.clock + 1
  local entry = { Version = #versions + 1, LastModifiedDate = store.clock, Labels = {} }
  for _, member in ipairs({
    "Name",
    "Value",
    "Type",
    "Description",
    "KeyId",
    "Tier",
    "DataType",
    "AllowedPattern",
  }) do
    entry[member] = input[member] or before[member]
  end
  entry.Policies = policies(input.Policies) or (not input.Policies and before.Policies or nil)
  versions[#versions + 1] = entry
  if input.Tags then
    operations.add_tags_to_resource(store, { ResourceId = input.Name, Tags = input.Tags })
  end
  return { Version = entry.Version, Tier = entry.Tier }
end

function operations.delete_parameter(store, input)
  last(store, input.Name)
  store.versions[input.Name], store.tags[input.Name] = nil, nil
  return {}
end

function operations.delete_parameters(store, input)
  assert(#input.Names <= 10)
  local answer = { DeletedParameters = {} }
  for _, name in ipairs(input.Names) do
    if store.versions[name] then
      operations.delete_parameter(store, { Name = name })
      table.insert(answer.DeletedParameters, name)
    end
  end
  return answer
end

function operations.label_parameter_version(store, input)
  last(store, input.Name)
  for _, version in ipairs(store.versions[input.Name]) do
    for i = #version.Labels, 1, -1 do
      for _, label in ipairs(input.Labels) do
        if version.Labels[i] == label then
          table.remove(version.Labels, i)
        end
      end
    end
  end
  local labels = store.versions[input.Name][input.ParameterVersion].Labels
  table.move(input.Labels, 1, #input.Labels, #labels + 1, labels)
  return { InvalidLabels = {} }
end

--- An empty store. `calls` counts calls by operation, `inputs` keeps each one's inputs,
--- `denied[name]` refuses a value, `page` is the size of a page of DescribeParameters.
---@return table client
function parameter_store.new()
  local store = { versions = {}, tags = {}, denied = {}, refusals = {}, calls = {}, inputs = {} }
  store.page, store.clock = 50, 1699999999
  for name, operation in pairs(operations) do
    store.inputs[name] = {}
    store[name] = function(input)
      store.calls[name] = (store.calls[name] or 0) + 1
      table.insert(store.inputs[name], input)
      local refusal = store.refusals[name]
      if refusal and refusal.times > 0 then
        refusal.times = refusal.times - 1
        if refusal.done then
          operation(store, input)
        end
        refused(refusal.code, refusal.message, refusal)
      end
      return operation(store, input)
    end
  end

  --- Refuses the next calls of an operation: `{ code =, message =, times = 1, kind = "service",
  --- attempts = }`; with `done` they do what they are asked to, and only the answer gets lost.
  function store:refuse(name, refusal)
    self.refusals[name] = setmetatable({ times = refusal.times or 1 }, { __index = refusal })
  end
  return store
end

return parameter_store
