Feature: SSM parameters survive a disaster

  Whoever keeps settings and secrets in Parameter Store can save them, lose
  them and put them back as they were. What the disaster spared stays as it is.

  Background:
    Given a Parameter Store of my own
    And I have keys to encrypt and sign with

  Scenario: values come back from a plain file
    Given these parameters
      | name            | value          |
      | /shop/greeting  | good morning   |
      | /shop/farewell  | good night     |
      | /other/survivor | still here     |
    When I back up "/shop" to the plain file "shop.jsonl"
    And a disaster deletes every parameter below "/shop"
    And I restore "shop.jsonl"
    Then the parameters are as they were
    And "/other/survivor" was never written again

  Scenario: types and descriptions come back from an encrypted archive
    Given these parameters
      | name           | value    | type         | description           |
      | /shop/host     | db.local | String       | where the data is     |
      | /shop/password | hunter2  | SecureString | do not tell, not even é |
      | /shop/zones    | a,b,c    | StringList   | two are enough        |
      | /shop/plain    | nothing  | String       |                       |
    When I back up "/shop" to "shop.age"
    And a disaster deletes every parameter below "/shop"
    And I restore "shop.age"
    Then the parameters are as they were
    And nobody can read "hunter2" in "shop.age"

  Scenario: the command line, through a pipe
    Given these parameters
      | name           | value        | type         |
      | /shop/host     | db.local     | String       |
      | /shop/password | hunter2      | SecureString |
      | /other/x       | not our shop | String       |
    When I run "awsbak ssm backup --path /shop" into "shop.age"
    And a disaster deletes every parameter below "/shop"
    And I run "awsbak ssm restore -" from "shop.age"
    Then the parameters are as they were
    And "/other/x" was never written again

  Scenario: a restore overwrites nothing unless told to
    Given these parameters
      | name          | value     |
      | /shop/same    | unchanged |
      | /shop/changed | before    |
      | /shop/gone    | deleted   |
    And I back up "/shop" to "shop.age"
    And "/shop/changed" becomes "after"
    And "/shop/gone" is deleted
    When I restore "shop.age"
    Then "/shop/gone" is "deleted"
    And "/shop/changed" is "after"
    And the log has a debug line about "/shop/same"
    And the log has a warning about "/shop/changed"
    And the log has no warning about "/shop/same"
