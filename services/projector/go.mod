module github.com/roomlog/roomlog/services/projector

go 1.26.0

require github.com/roomlog/roomlog v0.0.0

require github.com/alecthomas/kong v1.17.0 // indirect

replace github.com/roomlog/roomlog => ../..
