package catalog

import (
	"encoding/json"
	"strconv"
)

// The arguments that a tool with pages has beside its own.
const (
	ArgPageSize = "page_size"
	ArgCursor   = "cursor"
)

// Arguments are the parameters and those that pages add.
func (t *Tool) Arguments() []Param {
	if t.Page == nil {
		return t.Params
	}
	return append(t.Params[:len(t.Params):len(t.Params)],
		Param{Name: ArgPageSize, Type: Type{Scalar: Integer}, Default: json.Number(strconv.Itoa(t.Page.Size)), Minimum: "1", Maximum: strconv.Itoa(t.Page.Max)},
		Param{Name: ArgCursor, Type: Type{Scalar: String}, Description: "next_cursor of the previous page."})
}
