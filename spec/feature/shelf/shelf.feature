# A feature of its own kind: every construct the reader knows.
@shelf
Feature: A shelf of books
  What is said here is for people.

  Background:
    Given an empty shelf

  Scenario: Putting books on it
    When I put "Dune" on it
    And I put "Emma" on it
    Then there are 2 books
    * the first one is "Dune"

  Scenario Outline: Counting <count>
    When I put <count> books on it
    Then there are <count> books

    Examples:
      | count |
      | 0     |
      | 7     |

  Scenario: A table and a text
    When I put these on it:
      | title      | pages |
      | A \| B     | 10    |
      | C          | 20    |
    Then there are 2 books
    And the pages are 30
    But the label says:
      """
      two books
        indented
      """
