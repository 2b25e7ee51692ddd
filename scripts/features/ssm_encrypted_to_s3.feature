Feature: backups go straight to S3, encrypted by default

  The host that makes backups needs no key that opens them: it encrypts to
  public keys that are part of its configuration.

  Background:
    Given a Parameter Store of my own
    And a bucket "vault"
    And the auditor has a key pair of which I know the public key

  Scenario: nothing readable reaches the bucket, and the private key opens it
    Given these parameters
      | name           | value   | type         | description |
      | /shop/password | hunter2 | SecureString | do not tell |
      | /shop/host     | db      | String       |             |
    When I back up "/shop" to "s3://vault/shop.age"
    Then nobody can read "hunter2" in "s3://vault/shop.age"
    And I cannot restore "s3://vault/shop.age" with my own key
    When a disaster deletes every parameter below "/shop"
    And the auditor restores "s3://vault/shop.age" with the private key
    Then the parameters are as they were

  Scenario: several people can open it
    Given these parameters
      | name       | value |
      | /shop/host | db    |
    And the second auditor has a key pair of which I know the public key
    When I back up "/shop" to "s3://vault/two.age"
    And a disaster deletes every parameter below "/shop"
    And the second auditor restores "s3://vault/two.age" with the private key
    Then the parameters are as they were
