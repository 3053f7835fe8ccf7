package catalog

// Token is a token of the SQL lexer for tests.
type Token struct {
	Kind, Text, Fault string
}

// Lex gives the tests the tokens of SQL, which no exported name shows.
func Lex(sql string) []Token {
	kinds := map[tokenKind]string{
		spaceToken: "space", commentToken: "comment", wordToken: "word", quotedToken: "quoted", stringToken: "string",
		numberToken: "number", operatorToken: "operator", paramToken: "param", positionalToken: "positional",
		symbolToken: "symbol",
	}
	var tokens []Token
	for _, t := range lex(sql) {
		tokens = append(tokens, Token{kinds[t.kind], sql[t.start:t.end], t.fault})
	}
	return tokens
}
