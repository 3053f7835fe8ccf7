package sqlscan

import "strings"

// commands are the command tags of the statements that always have the same.
var commands = map[string]string{
	"AlterCollationStmt": "ALTER COLLATION", "AlterDatabaseRefreshCollStmt": "ALTER DATABASE",
	"AlterDatabaseSetStmt": "ALTER DATABASE", "AlterDatabaseStmt": "ALTER DATABASE",
	"AlterDefaultPrivilegesStmt": "ALTER DEFAULT PRIVILEGES", "AlterDomainStmt": "ALTER DOMAIN",
	"AlterEnumStmt": "ALTER TYPE", "AlterEventTrigStmt": "ALTER EVENT TRIGGER",
	"AlterExtensionContentsStmt": "ALTER EXTENSION", "AlterExtensionStmt": "ALTER EXTENSION",
	"AlterFdwStmt": "ALTER FOREIGN DATA WRAPPER", "AlterForeignServerStmt": "ALTER SERVER",
	"AlterOpFamilyStmt": "ALTER OPERATOR FAMILY", "AlterOperatorStmt": "ALTER OPERATOR",
	"AlterPolicyStmt": "ALTER POLICY", "AlterPublicationStmt": "ALTER PUBLICATION", "AlterRoleSetStmt": "ALTER ROLE",
	"AlterRoleStmt": "ALTER ROLE", "AlterSeqStmt": "ALTER SEQUENCE", "AlterStatsStmt": "ALTER STATISTICS",
	"AlterSubscriptionStmt": "ALTER SUBSCRIPTION", "AlterSystemStmt": "ALTER SYSTEM",
	"AlterTSConfigurationStmt": "ALTER TEXT SEARCH CONFIGURATION",
	"AlterTSDictionaryStmt":    "ALTER TEXT SEARCH DICTIONARY", "AlterTableMoveAllStmt": "ALTER TABLE",
	"AlterTableSpaceOptionsStmt": "ALTER TABLESPACE", "AlterTypeStmt": "ALTER TYPE",
	"AlterUserMappingStmt": "ALTER USER MAPPING", "CallStmt": "CALL", "CheckPointStmt": "CHECKPOINT",
	"ClosePortalStmt": "CLOSE CURSOR", "ClusterStmt": "CLUSTER", "CommentStmt": "COMMENT",
	"CompositeTypeStmt": "CREATE TYPE", "ConstraintsSetStmt": "SET CONSTRAINTS", "CopyStmt": "COPY",
	"CreateAmStmt": "CREATE ACCESS METHOD", "CreateCastStmt": "CREATE CAST", "CreateConversionStmt": "CREATE CONVERSION",
	"CreateDomainStmt": "CREATE DOMAIN", "CreateEnumStmt": "CREATE TYPE", "CreateEventTrigStmt": "CREATE EVENT TRIGGER",
	"CreateExtensionStmt": "CREATE EXTENSION", "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER",
	"CreateForeignServerStmt": "CREATE SERVER", "CreateForeignTableStmt": "CREATE FOREIGN TABLE",
	"CreateOpClassStmt": "CREATE OPERATOR CLASS", "CreateOpFamilyStmt": "CREATE OPERATOR FAMILY",
	"CreatePLangStmt": "CREATE LANGUAGE", "CreatePolicyStmt": "CREATE POLICY",
	"CreatePublicationStmt": "CREATE PUBLICATION", "CreateRangeStmt": "CREATE TYPE", "CreateRoleStmt": "CREATE ROLE",
	"CreateSchemaStmt": "CREATE SCHEMA", "CreateSeqStmt": "CREATE SEQUENCE", "CreateStatsStmt": "CREATE STATISTICS",
	"CreateStmt": "CREATE TABLE", "CreateSubscriptionStmt": "CREATE SUBSCRIPTION",
	"CreateTableSpaceStmt": "CREATE TABLESPACE", "CreateTransformStmt": "CREATE TRANSFORM",
	"CreateTrigStmt": "CREATE TRIGGER", "CreateUserMappingStmt": "CREATE USER MAPPING", "CreatedbStmt": "CREATE DATABASE",
	"DeallocateStmt": "DEALLOCATE", "DeclareCursorStmt": "DECLARE CURSOR", "DeleteStmt": "DELETE", "DoStmt": "DO",
	"DropOwnedStmt": "DROP OWNED", "DropRoleStmt": "DROP ROLE", "DropSubscriptionStmt": "DROP SUBSCRIPTION",
	"DropTableSpaceStmt": "DROP TABLESPACE", "DropUserMappingStmt": "DROP USER MAPPING", "DropdbStmt": "DROP DATABASE",
	"ExecuteStmt": "EXECUTE", "ExplainStmt": "EXPLAIN", "ImportForeignSchemaStmt": "IMPORT FOREIGN SCHEMA",
	"IndexStmt": "CREATE INDEX", "InsertStmt": "INSERT", "ListenStmt": "LISTEN", "LoadStmt": "LOAD",
	"LockStmt": "LOCK TABLE", "MergeStmt": "MERGE", "NotifyStmt": "NOTIFY", "PLAssignStmt": "SELECT",
	"PrepareStmt": "PREPARE", "ReassignOwnedStmt": "REASSIGN OWNED", "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW",
	"ReindexStmt": "REINDEX", "ReplicaIdentityStmt": "ALTER TABLE", "ReturnStmt": "RETURN", "RuleStmt": "CREATE RULE",
	"SecLabelStmt": "SECURITY LABEL", "SelectStmt": "SELECT", "TruncateStmt": "TRUNCATE TABLE",
	"UnlistenStmt": "UNLISTEN", "UpdateStmt": "UPDATE", "VariableShowStmt": "SHOW", "ViewStmt": "CREATE VIEW",
}

// onObjects are the statements whose command tag goes on with a kind of object, with the field that tells it.
var onObjects = map[string]struct{ verb, field string }{
	"AlterObjectDependsStmt": {"ALTER", "objectType"},
	"AlterObjectSchemaStmt":  {"ALTER", "objectType"},
	"AlterOwnerStmt":         {"ALTER", "objectType"},
	"AlterFunctionStmt":      {"ALTER", "objtype"},
	"AlterTableStmt":         {"ALTER", "objtype"},
	"DefineStmt":             {"CREATE", "kind"},
	"DropStmt":               {"DROP", "removeType"},
	"RenameStmt":             {"ALTER", "renameType"},
}

// objects are the kinds of objects whose name in the grammar is not their name in SQL.
var objects = map[string]string{
	"AMOP": "OPERATOR FAMILY", "AMPROC": "OPERATOR FAMILY", "ATTRIBUTE": "TYPE", "COLUMN": "TABLE",
	"DOMCONSTRAINT": "DOMAIN", "FDW": "FOREIGN DATA WRAPPER", "FOREIGN_SERVER": "SERVER", "LARGEOBJECT": "LARGE OBJECT",
	"MATVIEW": "MATERIALIZED VIEW", "OPCLASS": "OPERATOR CLASS", "OPFAMILY": "OPERATOR FAMILY",
	"STATISTIC_EXT": "STATISTICS", "TABCONSTRAINT": "TABLE", "TSCONFIGURATION": "TEXT SEARCH CONFIGURATION",
	"TSDICTIONARY": "TEXT SEARCH DICTIONARY", "TSPARSER": "TEXT SEARCH PARSER", "TSTEMPLATE": "TEXT SEARCH TEMPLATE",
}

// command is the command tag of a statement. An unknown one has the grammar's name for it.
func command(n *node) string {
	if tag, ok := commands[n.kind]; ok {
		return tag
	}
	if on, ok := onObjects[n.kind]; ok {
		return on.verb + " " + object(n.value(on.field))
	}
	switch n.kind {
	case "CreateFunctionStmt":
		return either(n.field("is_procedure") != nil, "CREATE PROCEDURE", "CREATE FUNCTION")
	case "CreateTableAsStmt":
		return either(n.value("objtype") == "OBJECT_MATVIEW", "CREATE MATERIALIZED VIEW", "CREATE TABLE AS")
	case "DiscardStmt":
		return "DISCARD " + strings.TrimPrefix(n.value("target"), "DISCARD_")
	case "FetchStmt":
		return either(n.field("ismove") != nil, "MOVE", "FETCH")
	case "GrantStmt":
		return either(n.field("is_grant") != nil, "GRANT", "REVOKE")
	case "GrantRoleStmt":
		return either(n.field("is_grant") != nil, "GRANT ROLE", "REVOKE ROLE")
	case "TransactionStmt":
		return transaction(n.value("kind"))
	case "VacuumStmt":
		return either(n.field("is_vacuumcmd") != nil, "VACUUM", "ANALYZE")
	case "VariableSetStmt":
		return either(strings.HasPrefix(n.value("kind"), "VAR_RESET"), "RESET", "SET")
	}
	return strings.ToUpper(strings.TrimSuffix(n.kind, "Stmt"))
}

func object(kind string) string {
	kind = strings.TrimPrefix(kind, "OBJECT_")
	if name, ok := objects[kind]; ok {
		return name
	}
	return strings.ReplaceAll(kind, "_", " ")
}

func transaction(kind string) string {
	switch tag := strings.ReplaceAll(strings.TrimPrefix(kind, "TRANS_STMT_"), "_", " "); tag {
	case "START", "PREPARE":
		return tag + " TRANSACTION"
	case "ROLLBACK TO":
		return "ROLLBACK"
	default:
		return tag
	}
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
