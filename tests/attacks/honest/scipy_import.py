from scipy.sparse import csr_matrix

print(int(csr_matrix([list(map(int, input().split()))]).sum()))
