--- The settings that AWS's own tools take from the environment and from the config files, and that
--- count here: where each is read, what it may be, and what becomes of it. aws.all_settings has the
--- others as well.
---
--- Names and defaults: botocore 1.44.5, configprovider.py and credentials.py, and the reference
--- guide of the AWS SDKs.
---
--- A row has a name, and
---   env       variables, the first that is set wins (an empty one counts as unset)
---   key       its key in a profile; "s3.x" is x nested below s3
---   old_key   another key of a profile, looked at when there is no `key`
---   kind      string (default), integer, number, boolean, choice
---   choices   of a choice
---   min, max  of a number; without, 0 and no limit
---   default   when nobody set it
---   secret    its value is never shown
---   url       user and password in it are never shown
---   command   only its first word is shown
---   file      it names a file that must be there
---   filled    to set it to nothing is an error
---   option    the client option that sets it, and with `flag` a flag of every command
---   refused   the value that awsbak refuses, and
---   why       the reason
---   ignored   whoever set it wanted something that is not done, and why; warned of once
---   service   only that service looks at it

--- A setting of how the AWS CLI moves S3 objects.
local function transfer(name, why)
  return { name = "s3_" .. name, key = "s3." .. name, ignored = why, service = "S3" }
end

return {
  {
    name = "profile",
    option = "profile",
    flag = true,
    env = { "AWS_PROFILE", "AWS_DEFAULT_PROFILE" },
    default = "default",
  },
  { name = "config_file", env = { "AWS_CONFIG_FILE" }, default = "~/.aws/config" },
  {
    name = "credentials_file",
    env = { "AWS_SHARED_CREDENTIALS_FILE" },
    default = "~/.aws/credentials",
  },
  {
    name = "region",
    option = "region",
    flag = true,
    env = { "AWS_REGION", "AWS_DEFAULT_REGION" },
    key = "region",
  },

  {
    name = "endpoint_url",
    option = "endpoint_url",
    flag = true,
    env = { "AWS_ENDPOINT_URL" },
    key = "endpoint_url",
    url = true,
  },
  { name = "services", key = "services" },
  {
    name = "ignore_configured_endpoint_urls",
    env = { "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" },
    key = "ignore_configured_endpoint_urls",
    kind = "boolean",
    default = false,
  },
  { name = "https_proxy", env = { "https_proxy", "HTTPS_PROXY" }, url = true },
  { name = "http_proxy", env = { "http_proxy", "HTTP_PROXY" }, url = true },
  { name = "all_proxy", env = { "all_proxy", "ALL_PROXY" }, url = true },
  { name = "no_proxy", env = { "no_proxy", "NO_PROXY" } },
  {
    name = "ca_bundle",
    option = "ca_bundle",
    env = { "AWS_CA_BUNDLE" },
    key = "ca_bundle",
    file = true,
    filled = true, -- other tools take it empty for "trust everybody"
  },

  {
    name = "retry_mode",
    option = "retry_mode",
    env = { "AWS_RETRY_MODE" },
    key = "retry_mode",
    kind = "choice",
    choices = { "standard", "legacy", "adaptive" },
    default = "standard",
  },
  {
    name = "max_attempts",
    option = "max_attempts",
    flag = true,
    env = { "AWS_MAX_ATTEMPTS" },
    key = "max_attempts",
    kind = "integer",
    min = 1,
  },
  { name = "new_retries", env = { "AWS_NEW_RETRIES_2026" }, kind = "boolean", default = true },

  { name = "access_key_id", env = { "AWS_ACCESS_KEY_ID" }, key = "aws_access_key_id" },
  {
    name = "secret_access_key",
    env = { "AWS_SECRET_ACCESS_KEY" },
    key = "aws_secret_access_key",
    secret = true,
  },
  {
    name = "session_token",
    env = { "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN" },
    key = "aws_session_token",
    old_key = "aws_security_token",
    secret = true,
  },
  { name = "credential_expiration", env = { "AWS_CREDENTIAL_EXPIRATION" } },
  { name = "account_id", env = { "AWS_ACCOUNT_ID" }, key = "aws_account_id" },
  { name = "role_arn", env = { "AWS_ROLE_ARN" }, key = "role_arn" },
  { name = "role_session_name", env = { "AWS_ROLE_SESSION_NAME" }, key = "role_session_name" },
  {
    name = "web_identity_token_file",
    env = { "AWS_WEB_IDENTITY_TOKEN_FILE" },
    key = "web_identity_token_file",
    file = true,
  },
  { name = "source_profile", key = "source_profile" },
  { name = "credential_source", key = "credential_source" },
  { name = "external_id", key = "external_id", secret = true },
  { name = "duration_seconds", key = "duration_seconds", kind = "integer", min = 1 },
  { name = "mfa_serial", key = "mfa_serial" },
  { name = "sso_session", key = "sso_session" },
  { name = "sso_start_url", key = "sso_start_url" },
  { name = "sso_region", key = "sso_region" },
  { name = "sso_registration_scopes", key = "sso_registration_scopes" },
  { name = "sso_account_id", key = "sso_account_id" },
  { name = "sso_role_name", key = "sso_role_name" },
  { name = "login_session", key = "login_session" },
  {
    name = "login_cache_directory",
    env = { "AWS_LOGIN_CACHE_DIRECTORY" },
    default = "~/.aws/login/cache",
  },
  { name = "credential_process", key = "credential_process", command = true },
  { name = "container_relative_uri", env = { "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" } },
  { name = "container_full_uri", env = { "AWS_CONTAINER_CREDENTIALS_FULL_URI" }, url = true },
  {
    name = "container_token_file",
    env = { "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" },
    file = true,
  },
  { name = "container_token", env = { "AWS_CONTAINER_AUTHORIZATION_TOKEN" }, secret = true },

  {
    name = "ec2_metadata_disabled",
    env = { "AWS_EC2_METADATA_DISABLED" },
    kind = "boolean",
    default = false,
  },
  {
    name = "ec2_metadata_v1_disabled",
    env = { "AWS_EC2_METADATA_V1_DISABLED" },
    key = "ec2_metadata_v1_disabled",
    kind = "boolean",
    default = false,
  },
  {
    name = "ec2_metadata_service_endpoint",
    env = { "AWS_EC2_METADATA_SERVICE_ENDPOINT" },
    key = "ec2_metadata_service_endpoint",
  },
  {
    name = "ec2_metadata_service_endpoint_mode",
    env = { "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE" },
    key = "ec2_metadata_service_endpoint_mode",
    kind = "choice",
    choices = { "ipv4", "ipv6" },
  },
  {
    name = "imds_use_ipv6",
    env = { "AWS_IMDS_USE_IPV6" },
    key = "imds_use_ipv6",
    kind = "boolean",
    default = false,
  },
  {
    name = "metadata_service_timeout",
    env = { "AWS_METADATA_SERVICE_TIMEOUT" },
    key = "metadata_service_timeout",
    kind = "number",
    default = 1,
  },
  {
    name = "metadata_service_num_attempts",
    env = { "AWS_METADATA_SERVICE_NUM_ATTEMPTS" },
    key = "metadata_service_num_attempts",
    kind = "integer",
    min = 1,
    default = 1,
  },
  {
    name = "ec2_instance_profile_name",
    env = { "AWS_EC2_INSTANCE_PROFILE_NAME" },
    key = "ec2_instance_profile_name",
  },

  {
    name = "s3_addressing_style",
    option = "addressing_style",
    key = "s3.addressing_style",
    kind = "choice",
    choices = { "auto", "path", "virtual" },
    default = "auto",
    service = "S3",
  },
  {
    name = "use_fips_endpoint",
    option = "use_fips_endpoint",
    env = { "AWS_USE_FIPS_ENDPOINT" },
    key = "use_fips_endpoint",
    kind = "boolean",
    default = false,
  },
  {
    name = "use_dualstack_endpoint",
    option = "use_dualstack_endpoint",
    env = { "AWS_USE_DUALSTACK_ENDPOINT" },
    key = "use_dualstack_endpoint",
    kind = "boolean",
    default = false,
  },
  {
    name = "sts_regional_endpoints",
    env = { "AWS_STS_REGIONAL_ENDPOINTS" },
    key = "sts_regional_endpoints",
    kind = "choice",
    choices = { "regional", "legacy" },
    default = "regional",
    service = "STS",
  },
  {
    name = "account_id_endpoint_mode",
    env = { "AWS_ACCOUNT_ID_ENDPOINT_MODE" },
    key = "account_id_endpoint_mode",
    kind = "choice",
    choices = { "preferred", "disabled", "required" },
    default = "preferred",
  },
  {
    name = "disable_host_prefix_injection",
    env = { "AWS_DISABLE_HOST_PREFIX_INJECTION" },
    key = "disable_host_prefix_injection",
    kind = "boolean",
    default = false,
  },
  {
    name = "s3_use_accelerate_endpoint",
    key = "s3.use_accelerate_endpoint",
    kind = "boolean",
    default = false,
    service = "S3",
  },
  {
    name = "s3_use_dualstack_endpoint",
    key = "s3.use_dualstack_endpoint",
    kind = "boolean",
    service = "S3",
  },
  {
    name = "s3_us_east_1_regional_endpoint",
    env = { "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT" },
    key = "s3_us_east_1_regional_endpoint",
    old_key = "s3.us_east_1_regional_endpoint",
    kind = "choice",
    choices = { "regional", "legacy" },
    default = "regional",
    service = "S3",
  },
  {
    name = "s3_use_arn_region",
    env = { "AWS_S3_USE_ARN_REGION" },
    key = "s3_use_arn_region",
    old_key = "s3.use_arn_region",
    kind = "boolean",
    default = true,
    service = "S3",
  },
  {
    name = "s3_disable_multiregion_access_points",
    env = { "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS" },
    key = "s3.s3_disable_multiregion_access_points",
    kind = "boolean",
    default = false,
    service = "S3",
  },
  {
    name = "s3_disable_express_session_auth",
    env = { "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH" },
    key = "s3_disable_express_session_auth",
    kind = "boolean",
    default = false,
    service = "S3",
  },
  {
    name = "response_checksum_validation",
    env = { "AWS_RESPONSE_CHECKSUM_VALIDATION" },
    key = "response_checksum_validation",
    kind = "choice",
    choices = { "when_supported", "when_required" },
    default = "when_supported",
  },
  { name = "no_sign_request", option = "no_sign_request", flag = true, kind = "boolean" },
  {
    name = "auth_scheme_preference",
    env = { "AWS_AUTH_SCHEME_PREFERENCE" },
    key = "auth_scheme_preference",
  },
  {
    name = "sigv4a_signing_region_set",
    env = { "AWS_SIGV4A_SIGNING_REGION_SET" },
    key = "sigv4a_signing_region_set",
  },
  {
    name = "s3_payload_signing_enabled",
    key = "s3.payload_signing_enabled",
    kind = "boolean",
    service = "S3",
  },
  {
    name = "request_checksum_calculation",
    env = { "AWS_REQUEST_CHECKSUM_CALCULATION" },
    key = "request_checksum_calculation",
    kind = "choice",
    choices = { "when_supported", "when_required" },
    default = "when_supported",
  },

  {
    name = "defaults_mode",
    env = { "AWS_DEFAULTS_MODE" },
    key = "defaults_mode",
    kind = "choice",
    choices = { "legacy", "standard", "in-region", "cross-region", "mobile", "auto" },
    default = "standard",
  },
  {
    name = "proxy_ca_bundle",
    key = "proxies_config.proxy_ca_bundle",
    old_key = "proxy_ca_bundle",
    file = true,
  },
  {
    name = "proxy_client_cert",
    key = "proxies_config.proxy_client_cert",
    old_key = "proxy_client_cert",
    file = true,
  },
  {
    name = "proxy_use_forwarding_for_https",
    key = "proxies_config.proxy_use_forwarding_for_https",
    old_key = "proxy_use_forwarding_for_https",
    kind = "boolean",
    default = false,
    refused = true,
    why = "the proxy would read every request and reply",
  },

  {
    name = "disable_request_compression",
    env = { "AWS_DISABLE_REQUEST_COMPRESSION" },
    key = "disable_request_compression",
    kind = "boolean",
    default = false,
  },
  {
    name = "request_min_compression_size_bytes",
    env = { "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES" },
    key = "request_min_compression_size_bytes",
    kind = "integer",
    max = 10485760,
    default = 10240,
  },
  { name = "sdk_ua_app_id", env = { "AWS_SDK_UA_APP_ID" }, key = "sdk_ua_app_id" },
  { name = "execution_env", env = { "AWS_EXECUTION_ENV" } },
  { name = "lambda_function_name", env = { "AWS_LAMBDA_FUNCTION_NAME" } },
  { name = "trace_id", env = { "_X_AMZN_TRACE_ID" } },
  { name = "data_path", env = { "AWS_DATA_PATH" }, key = "data_path" }, -- see aws.model.folders
  transfer("max_concurrent_requests", "parts go one after another"),
  transfer("max_queue_size", "parts go one after another"),
  transfer("multipart_threshold", "archives above 8 MiB go in parts"),
  transfer("multipart_chunksize", "parts are of 8 MiB, later ones larger"),
  transfer("max_bandwidth", "the rate is not limited"),
  {
    name = "cli_binary_format",
    key = "cli_binary_format",
    kind = "choice",
    choices = { "base64", "raw-in-base64-out" },
    default = "base64",
  },
}
