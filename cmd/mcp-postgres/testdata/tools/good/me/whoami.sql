/*---
description: Who calls.
result: object
omit_null: true
trust: owner
tests:
  - as: {sub: alice, role: analyst, claims: {team: blue}}
    expect: {equals: {sub: alice, role: analyst, team: blue, setting: blue}}
  - expect: {equals: {}}
---*/
SELECT @caller_sub AS sub, @caller_role AS role, @caller_claims ->> 'team' AS team,
       nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'team' AS setting
