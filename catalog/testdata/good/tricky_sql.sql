/*---
description: Everything that could be taken for a parameter, or hide one.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
  - {name: j, type: json}
  - {name: i, type: interval}
---*/
SELECT '@a''@a', E'it\'s @a \\', e'a'
         '\'@a', B'01', X'1F', N'@a', U&'d\0061t@a' , U&"d\0061t@a", "@a""@a", 'a'
  /* @a */ , $$ @a $$, $x$ @a $$ $y$ @a $x$, $ü_1$@a$ü_1$, a$b$, @a, c$b$,
  /* nested /* @a */ ' */ tags@>'{}' , tags <@ tags, doc@@query, doc @@@ query, ~@ x, @-@ path, @ a, path @? '$.a',
  path @@ '$', x~@a, a=@a, a<>@a, a!=@a, a<=@a, a>=@a, a>@a, a< @a, a+@a, a-@a, a*@a, a/@a, a%@a, a^@a,
  a||@a, a->@a, a->>@a, j#>@b, j#>>@b, f(x=>@a, y:=@a), a+--
  @a, a*/**/@a, @a::varchar::text, x[1:2], x[:n], @b[1], @b /* c */ [1:2], (@j).f, @j.f, @i + @i,
  1.5e10, .5, 0x1F, 1_000, @a"x", ARRAY[@a,@a], @é, #@a, @b<@ @b, CASE WHEN@a IS NULL THEN@b END
