module github.com/roomlog/roomlog/services/roomlog

go 1.26.0

require github.com/roomlog/roomlog v0.0.0

replace github.com/roomlog/roomlog => ../..
